"""What each word of the console means, in a sentence: campaigns' statuses, how calls end, and what holds them back."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.lifecycle import CampaignStatus
from dialer.calls import Outcome

CAMPAIGNS: Mapping[str, str] = {
    CampaignStatus.DRAFT: "Its list is being read, or somebody prepares it. Nobody is called.",
    CampaignStatus.SCHEDULED: "It is started, and waits for its first hour.",
    CampaignStatus.RUNNING: "People are called as their time comes, within the calling hours.",
    CampaignStatus.PAUSED: "No new calls until somebody resumes it. Calls on the line go on to their end.",
    CampaignStatus.FINISHED: "Everybody is done. Those who were not reached can be called again.",
    CampaignStatus.CANCELLED: "Somebody ended it for good. Those who were left can be called again.",
    "rehearsal": "It runs on a sandbox, at its real hours and pace. No telephone rings.",
}
CALLS: Mapping[Outcome, str] = {
    Outcome.ANSWERED: "Somebody took the call.",
    Outcome.MACHINE: "An answering machine took the call, as far as the provider could tell.",
    Outcome.BUSY: "The line was engaged. It is tried again, as often as the campaign says.",
    Outcome.NO_ANSWER: "It rang, and nobody took the call. It is tried again, as often as the campaign says.",
    Outcome.REJECTED: "The person called declined the call.",
    Outcome.INVALID_NUMBER: "There is no such number. It is not tried again.",
    Outcome.EXPIRED: "The provider waited too long and made no call.",
    Outcome.FAILED: "The telephone network did not deliver the call.",
    Outcome.UNKNOWN: "The call is over, and nobody knows how it ended. It is not made again by itself.",
}
HOLDS: Mapping[str, str] = {
    "Outside the calling hours": "Nothing to do: calling goes on by itself when the hours begin where the person is.",
    "Waits for its next call": "Nothing to do: after a call without an answer some time passes before the next one.",
    "Waits for a limit": "The provider allows only so many calls in a second, a minute or a day. It goes on by itself.",
    "A breaker paused it": "Too many calls failed in a row. One call tries again by itself; or resume it.",
    "Too few of the first were reached": "The first are a trial. Hear the call yourself, then resume or cancel.",
    "A budget is used up": "The campaign may use only so much. A day's budget begins anew on the next day.",
    "The account cannot dial": "Put right what the provider's word names, then resume it on the page Accounts.",
    "The dialer is not running": "Tell whoever runs the dialer: nothing is lost, and calling goes on when it is back.",
}
"""Why nothing is being dialed, and what can be done."""
