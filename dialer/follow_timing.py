"""How long to wait for a provider's receipts and reports, and how often to poll it for calls in progress.

Constants named as the provider's seconds are divided by the account's `speed`, which is 1 except in a sandbox.
"""

from __future__ import annotations

from dialer.account_settings import AccountSettings

ENDING_GRACE = 2.0  # provider's seconds in which the other receipts about the end of a call arrive
MIN_GRACE = 1.0  # our seconds, for the way from the provider to the ledger, at any speed
UNTOLD_GRACE = 20.0  # provider's seconds, when the receipts so far do not say how the call ended
REPORT_DELAY = 10.0  # provider's seconds until it has sent a notification of an ended call, or has it in its report
MIN_REPORT_DELAY = 1.0  # our seconds
POLLS_PER_MESSAGE = 2  # so that one of them comes while it is spoken, even if polls and answers are late
MIN_POLL_SECONDS = 1.0  # our seconds: the ticks of workers come no more often
POLL_DELAY_SECONDS = 1.5  # our seconds: a poll may be late by a tick, and its answer by half a second
POLLING_SHARE_OF_MINUTE = 0.25  # of the provider's points, which frequent polls may use


def seconds_to_settle(settings: AccountSettings) -> float:
    """Seconds after a call's end until receipts or a report have settled its outcome.

    0 where polling shows the end: the call is then missing from the list of calls in progress.
    """
    if settings.sends_endings:
        return grace_seconds(settings, ENDING_GRACE)
    return max(REPORT_DELAY / settings.speed, MIN_REPORT_DELAY) if settings.has_report else 0.0


def grace_seconds(settings: AccountSettings, seconds: float) -> float:
    """Seconds of the provider's clock in our seconds, but no less than `MIN_GRACE`."""
    return max(seconds / settings.speed, MIN_GRACE)


def poll_interval(settings: AccountSettings, message_seconds: float, minute_points: int | None = None) -> float:
    """Our seconds between two polls while messages of `message_seconds` are spoken: `poll_seconds`, or less.

    `minute_points` is the limit of the provider's minute by its own figures, if known.
    """
    if settings.sends_endings or settings.has_report:
        return settings.poll_seconds  # polling is not what shows how calls ended
    points = minute_points or settings.minute_points
    within_points = 60 / settings.speed / (points * POLLING_SHARE_OF_MINUTE) if points else 0.0
    interval = max(message_seconds / settings.speed / POLLS_PER_MESSAGE, MIN_POLL_SECONDS, within_points)
    return min(settings.poll_seconds, interval)


def short_message_warning(settings: AccountSettings, message_seconds: float) -> str | None:
    """A warning for people that calls with a message of this length may end unseen; None if they cannot."""
    if settings.sends_endings or settings.has_report or settings.shows_every_answer:
        return None
    interval = poll_interval(settings, message_seconds)
    message_seconds /= settings.speed  # in our seconds, as the interval is
    if message_seconds >= interval + POLL_DELAY_SECONDS:
        return None
    return (
        f"The shortest message takes about {message_seconds:.1f} s, and calls in progress are looked at every "
        f"{interval:.1f} s (poll_seconds is {settings.poll_seconds:g}): a call may be answered and over between two "
        f"looks, and is then reported as unknown. {settings.endings_setup_hint}, or say more; or lower poll_seconds, "
        "and worker.tick_seconds with it."
    )
