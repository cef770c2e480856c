"""What lists show of a definition is what the definition itself says, read without its models."""

from __future__ import annotations

import pytest

from campaigns.definition import Definition
from campaigns.stored_keys import StoredKeys, stored_keys
from tests.support.seeding import definition

SEVERAL = ["+18005550100", "+18005550101"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pace": 2.5},
        {"accounts": ["main", "spare"]},
        {"caller_id": SEVERAL},
        {"caller_id": {"numbers": SEVERAL[:1], "per_day": 50}},
        {"caller_id": {"numbers": SEVERAL, "by": "region"}},
        {"accounts": ["main", "spare"], "by_account": {"spare": {"caller_id": SEVERAL}}},
        {"accounts": ["main", "spare"], "by_account": {"spare": {"message": {"tts": "Hello"}}}},
    ],
    ids=str,
)
def test_the_keys_are_those_of_the_definition(changes):
    text = definition(**changes).model_dump_json()
    keys, read = stored_keys(text), Definition.model_validate_json(text)
    assert (keys.account, keys.pace) == (read.account, read.pace)
    shared_out = [read.for_account(name).caller_id.are_shared_out for name in read.all_accounts]
    assert keys.shows_several == any(shared_out)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"campaign": 5}', '{"account": 5, "pace": "quick", "by_account": [1]}'], ids=repr
)
def test_a_text_of_another_version_has_blank_keys(text):
    keys = stored_keys(text)
    assert (keys.account, keys.pace) == (StoredKeys().account, StoredKeys().pace)
