"""What the audit says that was done: every event of it, in the words in which it is kept and read."""

from __future__ import annotations

FIRST_START, SCHEDULE = "first start", "schedule {name}"  # who does something, beside people and programs

EVENTS = (
    *("campaign created", "draft removed", "campaign scheduled", "campaign running", "campaign paused"),
    *("campaign finished", "campaign cancelled", "campaign closed", "campaign cloned", "campaign draft"),
    *("campaign archived", "campaign redialed", "campaign redials", "retention", "person exported"),
    *("accounts cannot dial", "campaign went back to its account"),
    *("campaign moved to another account", "account answers again", "canary passed", "canary failed"),
    *("contacts appended", "contact changed", "contact withdrawn", "contact called off"),
    *("contact not called off: its call was under way", "number erased", "erasure finished", "number shown"),
    *("numbers downloaded", "rejects downloaded"),
    *("suppression added", "suppression removed", "suppressions imported", "suppressions exported"),
    *(
        "schedule added",
        "schedule removed",
        "schedule paused",
        "schedule resumed",
        "schedule asked for",
        "schedule ran",
    ),
    *("webhook added", "webhook removed", "webhook replayed", "webhook secret rotated"),
    *("webhook active", "webhook paused", "webhook ended", "before_dial secret rotated"),
    *("token created", "token revoked", "user added", "user disabled", "user enabled"),
    *("user's roles changed", "user's password changed", "logged in", "logged out", "sessions ended"),
    *("wrong passwords", "deliveries turned away"),
    *("call hold", "call unhold", "call make", "call transfer", "call restore", "call release", "call tag"),
    *("call record", "call coach", "call dtmf", "call talk-option", "call disconnect", "call block"),
)
