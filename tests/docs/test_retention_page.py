"""The page of retention names every table, and of each column that is emptied that it is."""

from __future__ import annotations

import re
import tomllib

import yaml

from campaigns.ledger.numbers.erasures import CONTENT, TIMING
from campaigns.ledger.tables import metadata
from campaigns.retention_periods import Retention
from tests.docs.test_docs import page
from workers.settings import Settings

TEXTS = {"text", "voice"}
EMPTIED = {
    "contacts": {*CONTENT, *TIMING, "phone", "reason"},
    "attempts": {"detail", "zone", "local_time"},
    "receipts": {"body", "pressed"},
    "suppressions": {"phone", "reason"},
}


def rows() -> list[list[str]]:
    (table,) = re.findall(r"\| table or file .*?\n\n", page("retention"), re.DOTALL)
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:] if line]


def test_every_table_is_on_the_page():
    named = {word for row in rows() for word in re.findall(r"`(\w+)`", row[0])}
    assert named == set(metadata.tables)


def test_the_columns_that_the_page_empties_are_those_that_go():
    for table, columns in EMPTIED.items():
        (own, *others) = [row for row in rows() if row[0] == f"`{table}`"]
        named = {word for row in (own, *others) for word in re.findall(r"`(\w+)`", row[1])}
        assert named == columns, table
    (texts,) = [row for row in rows() if row[2] == "`texts`"]
    assert set(re.findall(r"`(\w+)`", texts[1])) == TEXTS


def test_what_the_page_shows_can_be_written():
    settings = re.findall(r"```toml\n(.*?)```", page("retention"), re.DOTALL)[0]
    assert Settings(**tomllib.loads(settings)).retention.ends
    campaign = re.findall(r"```yaml\n(.*?)```", page("retention"), re.DOTALL)[0]
    assert Retention.model_validate(yaml.safe_load(campaign)["retention"]).ends
