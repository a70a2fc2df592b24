"""The made-up company: people who never lived, and what six sources say about them."""
