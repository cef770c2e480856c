"""Reads a campaign's list of contacts: encodings, CSV and XLSX, columns, rows, and the rejected rows."""
