"""`dialer schema` publishes what the models say: a key added to them is in it, and no other is."""

from __future__ import annotations

import pytest

from campaigns.definition import json_schema
from campaigns.definition.key_reference import described_keys
from tests.support.shell import Shell


@pytest.fixture
def shell(tmp_path):
    return Shell.prepared(tmp_path)


def test_the_schema_is_printed_as_the_models_have_it(shell):
    assert shell.run("schema").json == json_schema()


def test_the_schema_is_written_for_editors_and_never_over_a_file(shell):
    ran = shell.run("schema", "campaign.schema.json")
    assert (ran.code, "yaml-language-server: $schema=campaign.schema.json" in ran.out) == (0, True)
    again = shell.run("schema", "campaign.schema.json")
    assert (again.code, "there already" in again.err) == (1, True)
    nowhere = shell.run("schema", "no/such/folder.json")
    assert (nowhere.code, "cannot be written" in nowhere.err) == (1, True)


def test_every_key_is_listed_with_what_it_means():
    keys = dict(described_keys())
    assert {"campaign", "contacts.phone", "message.voice", "schedule.windows", "retry.busy", "urgent"} <= set(keys)
    assert all(keys.values())
