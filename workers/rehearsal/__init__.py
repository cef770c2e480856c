"""Runs a campaign on a fast clock: the real dial path against a sandbox, in a ledger that is thrown away."""
