"""Providers: telephony vendors as our code sees them. `registry` lists them."""
