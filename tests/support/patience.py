"""How long tests wait for what happens as soon as it can: on a busy machine that is late, and no fault of it."""

from __future__ import annotations

PATIENCE = 240.0  # seconds
