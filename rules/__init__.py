"""What has been decided: TOML first, Python for shapes and checks; no input or output."""
