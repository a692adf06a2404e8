"""Accepting suggestions at a stated risk: what could be accepted, what is promised of it, and doing it."""
