"""Claims contacts that are due, waits for tokens, opens attempts and sends the requests."""
