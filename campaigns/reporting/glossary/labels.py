"""What people read for a status or an outcome, and what a contact's status means."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.lifecycle import ContactStatus

LABELS: Mapping[str, str] = {
    # campaigns
    "draft": "being prepared",
    "scheduled": "scheduled",
    "running": "running",
    "paused": "paused",
    "finished": "finished",
    "cancelled": "cancelled",
    "rehearsal": "sandbox",
    # contacts
    "pending": "waiting",
    "claimed": "next in line",
    "dialing": "being called",
    "placed": "on the line",
    "reached": "reached",
    "unreached": "not reached",
    "refused": "cannot be called",
    "suppressed": "do not call",
    "expired": "too late",
    "withdrawn": "taken out",
    "unknown": "not known",
    # calls
    "unconfirmed": "not sure it rings",
    "ended": "ended",
    "not_placed": "no call made",
    "answered": "answered",
    "machine": "answering machine",
    "busy": "busy",
    "no_answer": "no answer",
    "rejected": "declined",
    "invalid_number": "wrong number",
    "failed": "did not get through",
    # webhooks and their events, beside what stands above
    "active": "active",
    "delivered": "delivered",
}
"""What people read for a status or an outcome. Files, JSON and options of commands keep the words on the left."""

MEANINGS: Mapping[ContactStatus, str] = {
    ContactStatus.PENDING: "waits for its next call",
    ContactStatus.CLAIMED: "is about to be called",
    ContactStatus.DIALING: "its call is being requested",
    ContactStatus.PLACED: "its call is under way",
    ContactStatus.REACHED: "its call was answered",
    ContactStatus.UNREACHED: "all its tries went unanswered",
    ContactStatus.REFUSED: "the provider does not call this number",
    ContactStatus.SUPPRESSED: "it is on a do-not-call list",
    ContactStatus.EXPIRED: "its time to be called is over",
    ContactStatus.CANCELLED: "was left when the campaign was cancelled",
    ContactStatus.WITHDRAWN: "was taken out of the campaign",
    ContactStatus.UNKNOWN: "may have been called: nothing tells",
}


def label(name: str) -> str:
    """What people read for a status or an outcome; of another word, its underscores become spaces."""
    return LABELS.get(name, name.replace("_", " "))


def meaning(status: ContactStatus) -> str:
    """What a contact's status means, in a few words that follow its name."""
    return MEANINGS[status]
