"""The file of a list: downloaded, decoded, and read as a table of rows, whether CSV or XLSX."""
