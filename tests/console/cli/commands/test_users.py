"""`dialer users` as people type it: no password stands on a command line, and none is printed."""

from __future__ import annotations

import pytest

from tests.support.shell import Shell

PASSWORD = "four words make one"


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    return Shell.prepared(tmp_path_factory.mktemp("users"))


def test_people_are_added_listed_given_roles_disabled_and_enabled(shell):
    added = shell.run("users", "add", "Ann", "--role", "sender", "--role", "editor", given=f"{PASSWORD}\n")
    assert (added.code, added.out.splitlines()[0]) == (0, "ann may log in to the console.")
    assert "start, pause, resume" in added.out
    shell.run("users", "add", "boss", "--role", "admin", given=PASSWORD)
    assert [user["name"] for user in shell.run("users", "list", "--json").json] == ["ann", "boss"]
    assert shell.run("users", "roles", "ann", "--role", "viewer").out == "ann has the roles viewer.\n"
    assert shell.run("users", "disable", "ann").code == 0
    (ann, _) = shell.run("users", "list", "--json").json
    assert (ann["roles"], ann["disabled_at"] is None, ann["has_password"]) == (["viewer"], False, True)
    assert "disabled" in shell.run("users", "list").out
    assert shell.run("users", "enable", "ann", "--json").json["disabled_at"] is None


def test_a_new_password_is_typed_twice_and_not_shown(shell):
    shell.run("users", "add", "carol", "--role", "viewer", given=PASSWORD)
    asked = {"New password: ": "another good one", "The same again: ": "another good one"}
    code, written = shell.answered_on_terminal("users", "password", "carol", answers=asked)
    assert (code, "another" in written) == (0, False)
    assert "carol has a new password; their sessions are ended." in written
    asked["The same again: "] = "one that differs"
    code, written = shell.answered_on_terminal("users", "password", "carol", answers=asked)
    assert (code, "the two passwords differ" in written) == (1, True)


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        (("add", "dave", "--role", "viewer"), "short", "fewer than 12 characters"),
        (("add", "dave", "--role", "viewer"), "", "no password on standard input"),
        (("add", "da ve", "--role", "viewer"), PASSWORD, "cannot be a user's name"),
        (("password", "dave"), PASSWORD, "no user has this name"),
        (("disable", "boss-2"), "", "nobody would be left"),
        (("roles", "boss-2", "--role", "sender"), "", "nobody would be left"),
    ],
)
def test_what_is_refused_says_why_and_what_to_do(tmp_path, words, given, message):
    shell = Shell.prepared(tmp_path)
    shell.run("users", "add", "boss-2", "--role", "admin", given=PASSWORD)
    refused = shell.run("users", *words, given=given)
    assert refused.code == 1
    assert message in " ".join(refused.err.split())
    assert [user["name"] for user in shell.run("users", "list", "--json").json] == ["boss-2"]
