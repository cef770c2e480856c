"""What a call says: a text to be spoken, or a recording that the provider has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPEECH_CHARACTERS_PER_SECOND = 14.0


UNMEASURED_RECORDING_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A text to be spoken. `voice` holds the provider's own voice settings (language, voice, gender, …)."""

    text: str = field(repr=False)
    voice: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """About how long it takes to say, in seconds."""
        return max(2.0, len(self.text) / SPEECH_CHARACTERS_PER_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A media file the provider already has, by the provider's id of it."""

    media_id: str

    @property
    def seconds(self) -> float:
        """Nobody tells us how long a recording is; this is a short guess, in seconds."""
        return UNMEASURED_RECORDING_SECONDS


Script = Speech | Recording
