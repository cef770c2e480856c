"""The cookies that hold a session's secret, and how long a session lasts: for the console, and for Flower beside it."""

from __future__ import annotations

from datetime import timedelta

from campaigns.operations.log_ins import Lifetime
from workers.settings import Settings

NAME, SECURE_NAME = "dialer_session", "__Host-dialer_session"  # browsers keep the second over HTTPS only


def lifetime(settings: Settings) -> Lifetime:
    """How long sessions last by the settings."""
    console = settings.console
    return Lifetime(
        idle=timedelta(minutes=console.session_idle_minutes), altogether=timedelta(hours=console.session_hours)
    )
