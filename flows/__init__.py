"""The line: read, call one transform, write; no arithmetic."""
