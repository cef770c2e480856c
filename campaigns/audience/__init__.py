"""The list: encodings, CSV and XLSX tables, columns, rows, and the rows that cannot be called."""
