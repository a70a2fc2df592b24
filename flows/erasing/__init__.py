"""Erase people: find them, take them out of all that is kept, and keep them from coming back."""
