"""The example campaigns that the package brings."""

from __future__ import annotations

from pathlib import Path

import campaigns

EXAMPLES = Path(campaigns.__file__).with_name("examples")
EXAMPLE_NAMES = sorted(file.stem for file in EXAMPLES.glob("*.yaml"))
