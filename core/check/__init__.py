"""Verifying a project file and its models, and restoring what is damaged."""
