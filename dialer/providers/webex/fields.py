"""The fields of a voice message, as "Make Call" has them: what may be in each, and where we take it from."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.providers.webex.content import TEXT_LIMIT, VOICE
from dialer.providers.webex.messages import (
    FURTHEST_SEND_AT,
    LONGEST_CALLBACK_DATA,
    LONGEST_CORRELATION_ID,
    MOST_RECIPIENTS,
    PRIORITIES,
)
from dialer.providers.webex.words import RECEIPTS, RECEIPTS_ASKED


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what is checked before it is sent, and what a campaign puts there."""

    name: str
    checked: str
    campaigns: str
    required: bool = False


FIELDS = (
    Field("channel", "`voice`, always", "always", required=True),
    Field("from", "E.164", "`caller_id`", required=True),
    Field("to.msisdn", f"E.164, 1 to {MOST_RECIPIENTS} of them", "the contact's number alone", required=True),
    Field("to.correlationId", f"{LONGEST_CORRELATION_ID} bytes at most", "the attempt's id"),
    Field("priority", "one of " + ", ".join(map(str, PRIORITIES)), "`priority`"),
    Field("callbackData", f"{LONGEST_CALLBACK_DATA} characters at most", "`callback_data`"),
    Field("notifyUrl", "an address; HTTPS where the API is", "`console.public_url`, the account, its secret"),
    Field("notifyUrlAuthId", "printable, without spaces", "the account's `notify_auth_id`"),
    Field(
        "requestedReceipts",
        "among " + ", ".join(f"`{name}`" for name in RECEIPTS),
        ", ".join(f"`{name}`" for name in RECEIPTS_ASKED) + "; the account's `more_receipts`",
    ),
    Field(
        "sendAt",
        f"ISO 8601 with an offset, or a Unix time; not past, {FURTHEST_SEND_AT.days} days ahead at most",
        "`schedule.vendor_queue`",
    ),
    Field("content.type", "`media` or `TTS`", "by `message`", required=True),
    Field("content.mediaId", "not empty; with `media`", "`message.media`", required=True),
    Field("content.text", f"1 to {TEXT_LIMIT} characters; with `TTS`", "`message.tts`", required=True),
    *(
        Field(f"content.{name}", checked, f"`message.voice`, else `{VOICE[name]}`", required=True)
        for name, checked in {
            "ttsProcessor": "`Azure`",
            "language": "not empty",
            "voice": "not empty",
            "region": "not empty",
            "voiceType": "`standard` or `neural`",
            "gender": "`male` or `female`",
        }.items()
    ),
)
