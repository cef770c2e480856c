"""What commands print: campaigns, reports, calls, limits, the audit of a sandbox run."""
