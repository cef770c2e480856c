"""The contacts of a campaign as they enter the ledger: drafts, appends, changes, and those called again."""
