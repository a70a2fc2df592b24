"""The only code that opens a file, a database or a connection."""
