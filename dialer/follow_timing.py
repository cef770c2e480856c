"""How long to wait for what of a provider: the other receipts of an end, a report, the next look at its calls."""

from __future__ import annotations

from dialer.account_settings import AccountSettings

ENDING_GRACE = 2.0  # seconds of the provider's clock in which the other receipts of the same end arrive
MIN_GRACE = 1.0  # seconds of ours, for the way from the provider to the ledger, however fast its clock runs
SUSPICION_GRACE = 20.0  # the same, when those that came do not say how the call ended
REPORT_DELAY = 10.0  # seconds of the provider's clock until it notifies of a call that is over, or has it in its report
MIN_REPORT_DELAY = 1.0  # seconds of ours
POLLS_PER_MESSAGE = 2  # so that one of them comes while it is spoken, although looks and answers are late at times
MIN_POLL_SECONDS = 1.0  # as often as workers' ticks come by
POLL_DELAY_SECONDS = 1.5  # a look may be late by a tick, and its answer by half a second
POLLING_SHARE_OF_MINUTE = 0.25  # of the provider's points, which looks that come more often may use


def seconds_to_settle(settings: AccountSettings) -> float:
    """How many seconds after a call's end its outcome is settled by, where receipts or a report tell of it.

    0 where looks do: a call ends for us when it is missed.
    """
    if settings.is_told_of_ends:
        return grace_seconds(settings, ENDING_GRACE)
    return max(REPORT_DELAY / settings.speed, MIN_REPORT_DELAY) if settings.has_report else 0.0


def grace_seconds(settings: AccountSettings, seconds: float) -> float:
    """So many seconds of the provider's clock, in seconds of ours, and no less than a receipt's way takes."""
    return max(seconds / settings.speed, MIN_GRACE)


def poll_interval(settings: AccountSettings, message: float, minute_points: int | None = None) -> float:
    """How long to wait between two looks while a message of so many seconds may be spoken: `poll_seconds`, or less.

    `minute_points` is the provider's own word on its minute, where it has been heard.
    """
    if settings.is_told_of_ends or settings.has_report:
        return settings.poll_seconds  # looks are not what tells how calls ended
    points = minute_points or settings.minute_points
    within_points = 60 / settings.speed / (points * POLLING_SHARE_OF_MINUTE) if points else 0.0
    often = max(message / settings.speed / POLLS_PER_MESSAGE, MIN_POLL_SECONDS, within_points)
    return min(settings.poll_seconds, often)


def short_message_warning(settings: AccountSettings, message: float) -> str | None:
    """What may become of calls whose message takes so many seconds, and what to do; None where nothing need be."""
    if settings.is_told_of_ends or settings.has_report:
        return None
    between = poll_interval(settings, message)
    if message / settings.speed >= between + POLL_DELAY_SECONDS:
        return None
    return (
        f"The shortest message takes about {message:.1f} s, and calls in progress are looked at every {between:.1f} s "
        f"(poll_seconds is {settings.poll_seconds:g}): a call may be answered and over between two looks, and is then "
        f"reported as unknown. {settings.hears_more_with}, or say more; or lower poll_seconds, and worker.tick_seconds "
        "with it."
    )
