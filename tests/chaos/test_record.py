"""The table of storms keeps those of one commit together, and counts the faults of each storm once."""

from __future__ import annotations

from tests.chaos import record as recording
from tests.chaos.record import BEGIN, END, record
from tests.chaos.storm import Outcome
from tests.chaos.verdict import Judgement


def outcome(store: str, **changes: int) -> Outcome:
    judged = Judgement(
        contacts=1000,
        calls=1010,
        doubles=[],
        lost=[],
        wrong=[],
        finals={"reached": 900, "unknown": 100},
        doubts=3,
        doubts_ended_by={"list": 2, "receipt": 1},
        ends_told_by={},
    )
    return Outcome(
        store=store,
        seconds=1.0,
        kinds=["disk full"],
        faults={"disk full": changes.get("faults", 400)},
        at_the_proxy={},
        died={},
        memory=0,
        refused_for_pace=0,
        by_the_operator={},
        judged={"callgear": judged, "webex": judged},
    )


def test_pieces_of_one_commit_add_up_and_those_of_another_go(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}{END}\nafter\n")
    monkeypatch.setattr(recording, "commit_at_hand", lambda: "abc1")
    record([outcome("SQLite")], 1, page)
    record([outcome("PostgreSQL"), outcome("SQLite", faults=500)], 1, page)
    text = page.read_text()
    assert "commit abc1," in text
    assert "900 faults, 4,000 contacts, 0 called twice, 0 lost, 0 reported wrongly" in text
    assert "| SQLite | webex | 1 | 500 | 1,000 | 1,010 | 0 | 0 | 0 | 100 | 3 → 2 list, 1 receipt |" in text
    assert (text.startswith("before\n"), text.endswith(f"{END}\nafter\n")) == (True, True)
    monkeypatch.setattr(recording, "commit_at_hand", lambda: "abc2")
    record([outcome("SQLite")], 2, page)
    assert "400 faults, 2,000 contacts" in page.read_text()
