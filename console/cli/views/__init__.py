"""What commands print: campaigns, reports, calls, limits, the sandbox's audit."""
