"""Webex Connect, imiconnect before: voice through Send Message v2.

`dialer.clients.webex` is its client as a library; campaigns use the provider under it.
"""
