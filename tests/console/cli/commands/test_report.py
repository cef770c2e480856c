"""`dialer report --since … --until …`: days and moments as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("--until", "9999-12-31"), "--until: '9999-12-31': the year 9999 cannot be meant"),
        (("--since", "0001-01-01"), "--since: '0001-01-01': the year 0001 cannot be meant"),
        (("--until", "9999-12-31T23:59Z"), "the year 9999 cannot be meant"),
        (("--since", "yesterday"), "--since: 'yesterday': not a day"),
        (("--since", "2026-13-01"), "not a day"),
        (("--since", "1.12.2026 09:00"), "not a date and time in ISO 8601"),
        (("--since", "2026-12-02", "--until", "2026-12-01"), "--until comes before --since"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused_with_what_to_write(shell, zone, line, said):
    ran = shell.run("report", *line, TZ=zone)
    assert (ran.code, said in " ".join(ran.err.split())) == (1, True), ran.err


def test_the_last_day_is_meant_whole(shell):
    ran = shell.run("report", "--since", "2026-12-01", "--until", "2026-12-01")
    assert (ran.code, "no campaign started in that time" in ran.err) == (1, True), ran.err


def test_a_day_of_the_audit_at_the_end_of_the_calendar_is_refused(shell):
    ran = shell.run("audit", "list", "--since", "9999-12-31")
    assert (ran.code, "--since: '9999-12-31' is no day" in ran.err, "correct the year" in ran.err) == (1, True, True)
