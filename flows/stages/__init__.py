"""The stages of the line: each reads what the one before wrote and writes its own tables."""
