"""One module a format: each recognises its files and reads them as tables."""
