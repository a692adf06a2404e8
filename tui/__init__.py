"""The screens and the commands of labelloop."""
