"""The pages of the steward's desk: what people see and do, one module per noun."""
