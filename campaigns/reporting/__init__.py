"""How campaigns stand and what became of them: reads the ledger, changes nothing."""
