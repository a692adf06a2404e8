"""Writing tables: a module a format, each with a way to read back what it wrote."""
