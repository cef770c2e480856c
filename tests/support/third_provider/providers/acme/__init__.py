"""Acme: one JSON API for voice calls, which posts what becomes of them."""
