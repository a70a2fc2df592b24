"""The state database: what people decide, who they are and what they have before them."""
