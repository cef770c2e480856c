"""Acme's API, as its document has it."""
