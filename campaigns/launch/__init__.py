"""From a campaign file to a running campaign: check, preview, start, test call, redial, repeat."""
