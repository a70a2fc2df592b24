"""The steward's desk: reads the published snapshot, adds to the decision log, takes posts in."""
