"""Webex Connect, imiconnect before: voice through Send Message v2."""
