"""Telephony: calls, errors, phone numbers, retry policy, the token bucket, the providers and their sandbox."""
