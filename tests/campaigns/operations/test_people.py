"""People: a name is somebody's for good, a password is kept as a hash, and somebody is always left to let others in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, users
from campaigns.operations import passwords, people
from campaigns.operations.passwords import BadPassword
from campaigns.operations.people import BadUser, LastAdmin, NoSuchUser, Role, UserNameTaken
from workers.password_check import PasswordCheck

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
PASSWORD = "four words make one"


def add(ledger: Ledger, name: str = "ann", *roles: str, password: str = PASSWORD) -> people.User:
    return people.add(ledger, name, roles or ("admin",), password, who="test", now=NOW)


def test_a_user_is_found_by_the_name_however_it_is_written(ledger):
    add(ledger, "Zoë@Example.org", "sender", "viewer")
    user = people.named(ledger, " ZOE\u0308@example.ORG ")
    assert (user.name, user.roles) == ("zoë@example.org", (Role.VIEWER, Role.SENDER))
    with pytest.raises(UserNameTaken):
        add(ledger, "zoë@EXAMPLE.org")


@pytest.mark.parametrize("name", ["", " ", "token shop", "a:b", "<b>", "-ann", "a" * 101, "ann\nbob", "ann\0", "_ann"])
def test_what_could_be_no_name_is_refused(name):
    with pytest.raises(BadUser):
        people.name_of(name)


@pytest.mark.parametrize("roles", [(), ("boss",), ("viewer", "Admin")])
def test_what_are_no_roles_is_refused(roles):
    with pytest.raises(BadUser, match="role"):
        people.roles_of(roles)


@pytest.mark.parametrize(
    "password", ["", "eleven char", "a" * 201, "aaaaaaaaaaaaaaaaaa", "ann.surname.long", "with\0a nul in it"]
)
def test_what_would_be_a_bad_password_is_refused(password):
    with pytest.raises(BadPassword):
        passwords.check_new(password, "ann.surname.long")


def test_of_a_password_only_a_salted_hash_is_kept(ledger):
    add(ledger, "ann")
    add(ledger, "bob")
    with ledger.reading() as db:
        hashes = db.scalars(select(users.c.password_hash)).all()
        lines = db.execute(select(audit)).all()
    assert len(set(hashes)) == 2
    assert all(kept.startswith("$argon2id$") for kept in hashes)
    assert PASSWORD not in str(lines)
    assert hashes[0] not in repr(people.named(ledger, "ann"))


def test_the_check_says_who_it_is_until_the_password_changes_or_the_user_is_disabled(ledger):
    check = PasswordCheck()
    add(ledger, "ann")
    add(ledger, "bob", "viewer")
    for _ in range(2):
        assert check.user(ledger, "Bob", PASSWORD).name == "bob"
        assert check.user(ledger, "bob", PASSWORD + "x") is None
        assert check.user(ledger, "nobody", PASSWORD) is None
    people.set_password(ledger, "bob", "another good one", who="test", now=NOW)
    assert check.user(ledger, "bob", PASSWORD) is None
    assert check.user(ledger, "bob", "another good one") is not None
    people.disable(ledger, "bob", who="test", now=NOW)
    assert check.user(ledger, "bob", "another good one") is None
    people.enable(ledger, "bob", who="test", now=NOW)
    assert check.user(ledger, "bob", "another good one") is not None


def test_a_right_password_is_hashed_once_however_often_it_is_shown(ledger, monkeypatch):
    check, compared = PasswordCheck(), []
    add(ledger, "ann")
    is_right = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *given: compared.append(1) or is_right(*given))
    assert all(check.user(ledger, "ann", PASSWORD) for _ in range(5))
    assert len(compared) == 1
    assert not any(check.user(ledger, "ann", "wrong all along") for _ in range(3))
    assert len(compared) == 4


def test_a_password_is_right_however_its_letters_are_composed(ledger):
    add(ledger, password="Zoë has a password")
    assert PasswordCheck().user(ledger, "ann", "Zoe\u0308 has a password") is not None


def test_somebody_is_left_who_may_let_people_in(ledger):
    add(ledger, "ann")
    add(ledger, "bob")
    people.disable(ledger, "ann", who="test", now=NOW)
    for change in (
        lambda: people.disable(ledger, "bob", who="test", now=NOW),
        lambda: people.set_roles(ledger, "bob", ["sender"], who="test", now=NOW),
    ):
        with pytest.raises(LastAdmin):
            change()
    assert people.named(ledger, "bob").may(Role.ADMIN)
    assert people.named(ledger, "bob").disabled_at is None


def test_two_admins_who_disable_each_other_do_not_both_go(ledger):
    add(ledger, "ann")
    add(ledger, "bob")

    def disable(name: str) -> bool:
        try:
            people.disable(ledger, name, who="test", now=NOW)
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(disable, ("ann", "bob"))) == [False, True]


def test_each_change_has_a_line_in_the_audit_and_what_changes_nothing_has_none(ledger):
    add(ledger, "ann")
    add(ledger, "bob", "viewer")
    for _ in range(2):
        people.set_roles(ledger, "bob", ["editor", "sender"], who="ann", now=NOW)
        people.disable(ledger, "bob", who="ann", now=NOW)
    people.enable(ledger, "bob", who="ann", now=NOW)
    people.set_password(ledger, "bob", "another good one", who="ann", now=NOW)
    with ledger.reading() as db:
        lines = [(row.who, row.event, row.detail) for row in db.execute(select(audit).order_by(audit.c.id))][2:]
    assert lines == [
        ("ann", "user's roles changed", "bob: editor, sender"),
        ("ann", "user disabled", "bob"),
        ("ann", "user enabled", "bob"),
        ("ann", "user's password changed", "bob"),
    ]
    with pytest.raises(NoSuchUser):
        people.disable(ledger, "carol", who="ann", now=NOW)


def test_the_first_admin_is_made_once_by_however_many_processes(ledger):
    def start(number: int) -> bool:
        return people.add_first_admin(ledger, "operator", f"the password of process {number}", now=NOW)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(start, range(4))) == [False, False, False, True]
    (user,) = people.listed(ledger)
    assert (user.name, user.roles, user.created_by) == ("operator", (Role.ADMIN,), "first start")
    assert not start(5)
