"""Sandboxes to speak to."""

from tests.dialer.sandbox.conftest import start, vendor

__all__ = ["start", "vendor"]
