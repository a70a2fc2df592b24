"""The read API: customers, changes and matches for programs, within the scope of a person."""
