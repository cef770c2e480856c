"""The rows of a list: read a column at a time, each becomes a contact or is rejected."""
