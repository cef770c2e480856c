"""Webhooks through the API: the same as by the command line, with secrets that are shown once."""

from __future__ import annotations

import pytest

from campaigns.operations.api_tokens import Scope
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console

URL = "https://example.org/hooks/dialer?key=hidden"
NEW = {"name": "clinic", "url": URL, "events": ["contact.finished", "campaign.*"]}


def test_a_webhook_is_added_listed_paused_rotated_and_removed(console: Console) -> None:
    post = console.http.post
    added = post("/api/v1/webhooks", json=NEW)
    assert added.status_code == 201
    assert added.json()["secret"].startswith("whsec_")
    (listed,) = console.http.get("/api/v1/webhooks").json()["items"]
    assert (listed["webhook"], listed["state"], listed["waiting"]) == ("clinic", "active", 0)
    assert "hidden" not in console.http.get("/api/v1/webhooks").text
    assert post("/api/v1/webhooks/clinic/pause", json={}).json() == {"webhook": "clinic", "state": "paused"}
    assert post("/api/v1/webhooks/clinic/resume", json={}).json()["state"] == "active"
    rotated = post("/api/v1/webhooks/clinic/rotate", json={"overlap_hours": 1}).json()
    assert rotated["secret"] != added.json()["secret"]
    assert rotated["old_secret_until"] == "2026-12-01T16:00:00Z"
    assert console.http.get("/api/v1/webhooks/clinic/deliveries?state=pending").json() == {"items": [], "next": None}
    assert post("/api/v1/webhooks/clinic/replay", json={"failed": True}).json()["events"] == 0
    removed = console.http.delete("/api/v1/webhooks/clinic", headers={"X-Dialer": "1"})
    assert removed.json() == {"webhook": "clinic", "lost": 0}
    assert console.http.get("/api/v1/webhooks/clinic/deliveries").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1:9/hook"},
        {"url": "ftp://example.org"},
        {"events": ["contact.eaten"]},
        {"events": []},
        {"name": "a b"},
        {"include": ["everything"]},
    ],
)
def test_what_is_no_webhook_is_refused(console: Console, changes: dict[str, object]) -> None:
    assert console.http.post("/api/v1/webhooks", json=NEW | changes).status_code == 422


def test_a_webhook_tells_no_numbers_that_its_maker_may_not_see(console: Console) -> None:
    including = NEW | {"include": ["phone"]}
    assert console.http.post("/api/v1/webhooks", json=including).status_code == 403
    with bearing(console, token(console, Scope.ADMIN, Scope.NUMBERS)) as http:
        assert http.post("/api/v1/webhooks", json=including).status_code == 201
