"""Workbooks (XLSX) as people see them: sheets, rows, and cells by their number formats, within bounds."""
