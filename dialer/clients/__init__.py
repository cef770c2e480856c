"""The vendors' APIs as libraries, for code that has no campaign."""
