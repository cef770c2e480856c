"""Status, reports and explanations of campaigns: reads the ledger, changes nothing."""
