"""Webhooks: programs of others are told what happens, each event signed, in its order, at least once."""
