"""What tests of the API share."""

from __future__ import annotations

import pytest

from campaigns.launch.drafts import readings


@pytest.fixture
def long_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of some kilobytes is a long one, and how far its reading is, is noted after each row."""
    monkeypatch.setattr(readings, "AT_ONCE_BYTES", 2000)
    monkeypatch.setattr(readings, "NOTED_EVERY", 0.0)
