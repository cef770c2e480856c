"""The cookies that hold a session's secret, and how long a session lasts: for the console, and for Flower beside it."""

from __future__ import annotations

from datetime import timedelta

from campaigns.operations.log_ins import Lifetime
from workers.settings import Settings

NAME, SECURE_NAME = "dialer_session", "__Host-dialer_session"  # browsers keep the second over HTTPS only


def lifetime(settings: Settings, *, elsewhere: bool = False) -> Lifetime:
    """How long sessions last by the settings; those of people who have logged in elsewhere, until they are asked for.

    Then their provider says anew who they are, and with which roles.
    """
    console, altogether = settings.console, timedelta(hours=settings.console.session_hours)
    if elsewhere:
        altogether = min(altogether, timedelta(minutes=settings.oidc.session_minutes))
    return Lifetime(idle=timedelta(minutes=console.session_idle_minutes), altogether=altogether)
