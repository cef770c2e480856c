"""imiconnect / Webex Connect, as its documents have it: Send Message API v2 with channel `voice`, and its receipts."""
