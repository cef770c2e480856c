"""Who guesses passwords is soon not compared any more; who knows it is not kept out by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.password_guard import ALTOGETHER, FROM_ONE_ADDRESS, PasswordGuard

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def guard() -> PasswordGuard:
    return PasswordGuard()


def guess(guard: PasswordGuard, count: int, address: str = "192.0.2.1", now: datetime = NOW) -> int:
    """How many of so many wrong passwords were compared."""
    compared = 0
    for _ in range(count):
        if not guard.seconds_to_wait(address, now):
            guard.count_wrong(address, now)
            compared += 1
    return compared


@pytest.mark.slow
def test_an_address_has_ten_guesses_a_minute(guard):
    assert guess(guard, 10_000) == FROM_ONE_ADDRESS
    assert guard.seconds_to_wait("192.0.2.1", NOW + timedelta(seconds=20)) == 40
    assert guess(guard, 100, now=NOW + timedelta(seconds=60)) == FROM_ONE_ADDRESS


def test_many_addresses_have_a_hundred_together(guard):
    assert sum(guess(guard, 5, f"192.0.2.{number}") for number in range(200)) == ALTOGETHER


def test_an_address_that_knows_the_password_is_not_kept_out_by_others(guard):
    guard.remember_right("198.51.100.1")
    for number in range(200):
        guess(guard, 5, f"192.0.2.{number}")
    assert guard.seconds_to_wait("198.51.100.1", NOW) == 0
    assert guard.seconds_to_wait("198.51.100.2", NOW) > 0


def test_the_audit_gets_a_line_a_minute(guard):
    guess(guard, 3)
    assert guard.audit.take_summary(NOW) == "wrong 3"
    guess(guard, 100)
    assert guard.audit.take_summary(NOW + timedelta(seconds=30)) is None
    assert guard.audit.take_summary(NOW + timedelta(seconds=60)) == "not compared 93, wrong 7"
    assert guard.audit.take_summary() is None
