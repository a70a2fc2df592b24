"""Standardise values: one spelling for one meaning, so that equal things look equal."""
