"""Archives: ended campaigns are moved out of the ledger into files; their counts stay."""
