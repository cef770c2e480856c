"""How values of a list are spoken: dates, amounts and codes, in the words of a language."""
