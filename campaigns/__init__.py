"""What we do with calls: definitions, contacts, calendar, the ledger, dialing, receipts, reports."""
