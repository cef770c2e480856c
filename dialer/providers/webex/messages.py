"""The body of a voice message: one recipient, and a recording or a text with the voice that speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dialer.calls import CallRequest, Recording, Script, Speech
from dialer.providers.provider import ScriptFault
from dialer.providers.webex.words import RECEIPTS_ASKED

TEXT_LIMIT = 2000

# The document's own example of a voice; every field is mandatory.
VOICE: Mapping[str, str] = {
    "ttsProcessor": "Azure",
    "language": "en-US",
    "voice": "GuyNeural",
    "voiceType": "Neural",
    "gender": "male",
    "region": "Canada",
}
_FIELDS = {name.casefold(): name for name in VOICE}
_ALLOWED = {"ttsProcessor": ("azure",), "voiceType": ("standard", "neural"), "gender": ("male", "female")}


def body_of(call: CallRequest) -> bytes:
    """The request's body. A ring timeout and DTMF are nothing this API can be told."""
    message: dict[str, Any] = {
        "channel": "voice",
        "from": call.caller_id.e164,
        "to": [{"msisdn": [call.to.e164], "correlationId": str(call.correlation_id)}],
        "requestedReceipts": list(RECEIPTS_ASKED),
        "content": _content(call.script),
    }
    if call.notify_url:
        message["notifyUrl"] = call.notify_url
    if call.priority:
        message["priority"] = call.priority
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def script_fault(script: Script) -> ScriptFault | None:
    """Why the script cannot be spoken; None when it can."""
    if isinstance(script, Recording):
        return None if script.media_id.strip() else ScriptFault(code="media", reason="the media id is empty")
    return _text_fault(script.text) or _voice_fault(script.voice)


def _content(script: Script) -> dict[str, str]:
    if isinstance(script, Recording):
        return {"type": "media", "mediaId": script.media_id}
    return {"type": "TTS", **VOICE, **_named(script), "text": script.text}


def _named(script: Speech) -> dict[str, str]:
    return {_FIELDS[_folded(name)]: value for name, value in script.voice.items() if _folded(name) in _FIELDS}


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _text_fault(text: str) -> ScriptFault | None:
    if not text.strip():
        return ScriptFault(code="characters", reason="the text is empty")
    if any("\ud800" <= character <= "\udfff" for character in text):
        return ScriptFault(code="characters", reason="the text holds half a character", suggestion="save as UTF-8")
    if len(text) > TEXT_LIMIT:
        reason = f"the text has {len(text)} characters, {TEXT_LIMIT} are spoken at most"
        return ScriptFault(code="text_too_long", reason=reason, suggestion="shorten it, or play a recording")
    return None


def _voice_fault(voice: Mapping[str, str]) -> ScriptFault | None:
    for given, value in voice.items():
        name = _FIELDS.get(_folded(given))
        if name is None:
            return ScriptFault(code="voice", reason=f"unknown voice setting {given!r}", suggestion=", ".join(VOICE))
        allowed = _ALLOWED.get(name)
        if not value.strip() or (allowed and value.casefold() not in allowed):
            choices = " or ".join(allowed) if allowed else "a word of Azure's"
            return ScriptFault(code="voice", reason=f"{name} cannot be {value!r}", suggestion=f"write {choices}")
    return None
