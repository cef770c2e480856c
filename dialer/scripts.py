"""What is said in a call: a text that the provider speaks, or a recording that it plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPEECH_CHARACTERS_PER_SECOND = 14.0
UNMEASURED_RECORDING_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A text to be spoken. `voice` holds voice settings in the provider's own terms (language, voice, gender, …)."""

    text: str = field(repr=False)
    voice: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """About how long the text takes to speak, in seconds; at least 2."""
        return max(2.0, len(self.text) / SPEECH_CHARACTERS_PER_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A media file that is stored at the provider, by the provider's id."""

    media_id: str

    @property
    def seconds(self) -> float:
        """A guess on the short side, in seconds: the provider does not say how long a recording is."""
        return UNMEASURED_RECORDING_SECONDS


Script = Speech | Recording
