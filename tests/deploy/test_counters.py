"""What an alert watches for a rise is served from 0 on, before the first of it has happened."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.web.app import create_app
from dialer.metrics import OTHER, OUR_WORDS
from dialer.providers.provider import ANY_OTHER
from dialer.providers.registry import provider_for
from tests.deploy.test_alerts import NAMES, PARTS, RULES
from tests.support import console_server
from workers import wiring
from workers.settings import Settings

Series = set[tuple[str, frozenset[tuple[str, str]]]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("counters") / "data"
    accounts = {f"fresh-{name}": account for name, account in console_server.ACCOUNTS.items()}
    url = f"sqlite:///{folder / 'ledger.sqlite3'}"
    return console_server.settings(folder, url).model_copy(update={"accounts": accounts})


@pytest.fixture(scope="module")
def served(settings: Settings) -> Series:
    """The series that an installation serves that has done nothing: a worker's, and a console's."""
    app = create_app(settings)
    with (
        console_server.serving(app) as address,
        console_server.client(address) as http,
        wiring.assembled(settings),
    ):
        text = http.get("/metrics").raise_for_status().text
    return {
        (one.name, frozenset(one.labels.items()))
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.labels.get("account", "").startswith("fresh-") or one.value == 0
    }


def watched(node: Any) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """The metrics of which an expression takes the rise, with the values of the labels that they are chosen by."""
    if isinstance(node, promql_parser.MatrixSelector):
        selector = node.vector_selector
        yield selector.name, {one.name: one.value.split("|") for one in selector.matchers.matchers}
    for part in PARTS:
        below = getattr(node, part, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None:
                yield from watched(child)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_every_rise_that_an_alert_takes_begins_at_nought(
    settings: Settings, served: Series, rule: dict[str, Any]
) -> None:
    for name, chosen in watched(promql_parser.parse(rule["expr"])):
        for values in product(settings.accounts, *chosen.values()):
            labels = dict(zip(("account", *chosen), values, strict=True)).items()
            assert [one for metric, one in served if metric == name and labels <= one], f"{name} {dict(labels)}"


def test_the_rises_are_found() -> None:
    names = {name for rule in RULES for name, _ in watched(promql_parser.parse(rule["expr"]))}
    assert names == {"dialer_requests_total", "dialer_receipts_total", "dialer_faults_total"}


def test_every_word_of_a_provider_and_of_ours_begins_at_nought(settings: Settings, served: Series) -> None:
    words = {
        (labels["account"], labels["mnemonic"])
        for name, one in served
        if name == "dialer_requests_total" and "mnemonic" in (labels := dict(one))
    }
    for name, account in settings.accounts.items():
        of_provider = {row.mnemonic for row in provider_for(account).policy()}
        of_provider = {OTHER if word == ANY_OTHER else word for word in of_provider}
        assert {word for of, word in words if of == name} == of_provider | {*OUR_WORDS, ""}
