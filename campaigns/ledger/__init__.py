"""The ledger: campaigns, contacts and attempts, and what became of them. It is the truth; the rest can be rebuilt."""
