"""Sends the requests that providers build: sessions, the HTTP client, logins, and the event loop of a process."""
