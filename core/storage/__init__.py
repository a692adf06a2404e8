"""The project file: one SQLite database with reviews, annotations, journal, runs and suggestions."""
