"""Say how two records are compared, field by field."""
