"""What a voice message says: a recording, or a text with the voice that speaks it."""

from __future__ import annotations

from collections.abc import Mapping

from dialer.providers.provider import ScriptFault
from dialer.scripts import Recording, Script, Speech

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


def script_fault(script: Script) -> ScriptFault | None:
    """Why the script cannot be spoken; None when it can."""
    if isinstance(script, Recording):
        if script.media_id.strip():
            return None
        return ScriptFault(code="media", reason="the media id is empty", suggestion="copy it from Voice Media")
    return _text_fault(script.text) or _voice_fault(script.voice)


def content_of(script: Script) -> dict[str, str]:
    """The request's `content`."""
    if isinstance(script, Recording):
        return {"type": "media", "mediaId": script.media_id}
    return {"type": "TTS", **VOICE, **_named(script), "text": script.text}


def _named(script: Speech) -> dict[str, str]:
    return {_FIELDS[_folded(name)]: value for name, value in script.voice.items() if _folded(name) in _FIELDS}


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _text_fault(text: str) -> ScriptFault | None:
    if not text.strip():
        return ScriptFault(code="characters", reason="the text is empty", suggestion="write what is to be said")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
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
