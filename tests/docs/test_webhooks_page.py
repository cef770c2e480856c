"""What the page of webhooks shows to verify events does verify them, and nothing else."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from dialer.signing import secret_of, signed_headers

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
BODY = json.dumps({"type": "webhook.test", "data": {"name": "Zoë"}}, ensure_ascii=False).encode()


@pytest.mark.parametrize("snippet", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL), ids=["library", "none"])
def test_a_snippet_verifies_what_is_signed_and_nothing_else(snippet):
    names: dict = {}
    exec(compile(snippet, "docs/webhooks.md", "exec"), names)  # noqa: S102
    event_of, now = names["event_of"], int(time.time())

    def headers(*salts: str, seconds: int = now) -> dict[str, str]:
        return signed_headers("key", salts, message_id="evt_1", seconds=seconds, body=BODY)

    secret = secret_of("key", "new")
    assert event_of(secret, headers("new"), BODY) == json.loads(BODY)
    assert event_of(secret, headers("new", "old"), BODY) == event_of(
        secret_of("key", "old"), headers("new", "old"), BODY
    )
    assert event_of(secret, headers("old"), BODY) is None
    assert event_of(secret, headers("new"), BODY + b" ") is None
    assert event_of(secret, headers("new", seconds=now - 600), BODY) is None
    assert event_of(secret, headers("new") | {"webhook-id": "evt_2"}, BODY) is None
