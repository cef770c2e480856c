"""Carrying a provider's requests: sessions, HTTP, logins, and the event loop of a process."""
