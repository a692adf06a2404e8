"""What is measured rather than asserted. Each module is a command that prints its table."""
