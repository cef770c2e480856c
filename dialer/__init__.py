"""Telephony: calls, errors, phone numbers, the token bucket, retry policy, the two providers and their sandbox."""
