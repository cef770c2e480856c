"""Reports of one campaign or of several together, for whoever asked for the calls: totals, what to do, sheets."""
