"""The base class of all sections of a campaign file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Keys that a campaign file may hold in one place: each described, no others, and none changed once read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
