"""The rows of the table, sorted by the work that they measure."""
