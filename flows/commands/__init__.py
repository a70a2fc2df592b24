"""The commands of `touchstone`, a module each; `flows/cli.py` finds them by name."""
