"""Charts are drawn on the server, from counts, without styles of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from campaigns.ledger.tables import attempts
from campaigns.lifecycle import AttemptStatus
from campaigns.reporting.overview.call_history import CallHistory, CallSpan
from console.pages.charts import calls_chart, outcomes_chart
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.statuses import as_attempt

AT = datetime(2026, 12, 1, 15, tzinfo=UTC)


def test_parts_of_a_bar_stand_on_each_other_and_are_as_high_as_they_are_many() -> None:
    spans = [CallSpan(at=AT, outcomes={"busy": 1, "answered": 3}), CallSpan(at=AT + timedelta(minutes=2), outcomes={})]
    history = CallHistory(by_minute=True, spans=[*spans, CallSpan(at=AT, outcomes={"answered": 2})])
    first, last = calls_chart(history).bars
    assert [(part.word, part.y, part.height) for part in first.parts] == [("answered", 25, 75), ("busy", 0, 25)]
    assert [(part.word, part.y, part.height) for part in last.parts] == [("answered", 50, 50)]
    assert [bar.x for bar in outcomes_chart(history).bars] == [0, 2], "nothing was called between"
    assert [part.height for part in outcomes_chart(history).bars[1].parts] == [100]
    assert list(calls_chart(history).words) == ["answered", "busy"]


def test_a_campaigns_page_shows_its_calls_over_time(console: Console) -> None:
    now = console.clock()
    campaign = console_server.add_campaign(console.ledger, now=now)
    assert "Over time" not in console.http.get(f"/campaigns/{campaign}").text
    console_server.start_dialing(console.ledger, campaign, now=now, limit=2)
    with console.ledger.writing() as db:
        ended = as_attempt(AttemptStatus.ENDED, now) | {"outcome": "busy"}
        db.execute(update(attempts).where(attempts.c.id == db.scalar(select(attempts.c.id).limit(1))).values(**ended))
    page = console.http.get(f"/campaigns/{campaign}").text
    assert "Calls a minute, at most 1" in page
    assert "2026-12-01 15:00 UTC: 1, 1 busy" in page
    assert page.count('<rect class="busy" x="') == 2
    assert "style=" not in page
