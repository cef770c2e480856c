"""The alerts and dashboards of deploy/: what they ask for is served, and each alert fires for its fault alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.support.prometheus import ALERTS, DASHBOARDS, ROOT, needed, panels, program

RULES = [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]
METRICS = {
    name: set(re.findall(r"`(\w+)`", labels))
    for name, labels in re.findall(
        r"^\| `(dialer_\w+)` \| \w+ \| (.*?) \|", (ROOT / "docs/metrics.md").read_text("utf-8"), re.MULTILINE
    )
}
OF_PROMETHEUS = {"up", "process_resident_memory_bytes"}
ITS_LABELS = {"instance", "job", "le"}
PARTS = ("lhs", "rhs", "expr", "args", "vector_selector")

# The series that show each fault, a sample a minute, and a time at which its alert fires.
PROVOKED: dict[str, dict[str, str]] = {
    "DialerConsoleAway": {'up{job="dialer"}': "1x5 0x30"},
    "DialerLedgerAway": {"dialer_ledger_up": "1x5 0x30"},
    "DialerRedisAway": {'dialer_trouble{kind="redis_away"}': "0x5 1x30"},
    "DialerNoWorker": {'dialer_trouble{kind="no_worker"}': "0x5 1x30"},
    "DialerNoBeat": {'dialer_trouble{kind="no_beat"}': "0x5 1x30"},
    "DialerProviderAway": {
        'dialer_requests_total{account="main",verdict="not_placed",mnemonic="timed_out",process="worker@a"}': "0+9x40",
        'dialer_requests_total{account="main",verdict="placed",mnemonic="",process="worker@a"}': "0+3x40",
    },
    "DialerAccountThrottled": {
        'dialer_requests_total{account="main",verdict="throttled",mnemonic="http_429",process="worker@a"}': "0+4x40",
        'dialer_requests_total{account="main",verdict="placed",mnemonic="",process="worker@a"}': "0+6x40",
    },
    "DialerAccountHalted": {'dialer_halted_campaigns{account="main"}': "0x5 2x30"},
    "DialerNoReceipts": {
        'dialer_requests_total{account="bulk",verdict="placed",mnemonic="",process="worker@a"}': "0+6x40",
        'dialer_receipts_total{account="bulk",result="new",reason="",process="console@a-2"}': "9x40",
        'dialer_account_info{account="bulk",provider="webex",follows="receipts"}': "1x40",
    },
    "DialerReceiptsRefused": {
        'dialer_receipts_total{account="bulk",result="refused",reason="forged",process="console@a-2"}': "0+2x40"
    },
    "DialerEventsStuck": {'dialer_webhook_oldest_event_seconds{webhook="crm"}': "0+60x40"},
    "DialerUnknownShareHigh": {
        'dialer_unknown_ratio{campaign="first-1"}': "0x5 0.2x30",
        'dialer_campaign_calls{campaign="first-1",outcome="unknown"}': "0x5 20x30",
    },
    "DialerDayLimitReached": {'dialer_bucket_left{account="main",limit="day points"}': "9x5 0x30"},
    "DialerClockSet": {'dialer_clock_set_seconds{process="worker@a"}': "0x5 3600x30"},
    "DialerDiskFull": {
        'dialer_disk_free_bytes{process="worker@a"}': "50x5 4x30",
        'dialer_disk_size_bytes{process="worker@a"}': "100x40",
    },
    "DialerContactsOverdue": {'dialer_oldest_due_seconds{campaign="first-1"}': "0+60x40"},
    "DialerFaults": {'dialer_faults_total{step="sweep",account=""}': "0x20 1x20"},
}
# The same installation without a fault: nothing fires.
WELL = {
    'up{job="dialer"}': "1x40",
    "dialer_ledger_up": "1x40",
    'dialer_trouble{kind="redis_away"}': "0x40",
    'dialer_requests_total{account="bulk",verdict="placed",mnemonic="",process="worker@a"}': "0+6x40",
    'dialer_requests_total{account="bulk",verdict="throttled",mnemonic="http_429",process="worker@a"}': "0+1x40",
    'dialer_receipts_total{account="bulk",result="new",reason="",process="console@a-2"}': "0+6x40",
    'dialer_account_info{account="bulk",provider="webex",follows="receipts"}': "1x40",
    'dialer_halted_campaigns{account="bulk"}': "0x40",
    'dialer_open_breakers{account="bulk"}': "0x40",
    'dialer_webhook_oldest_event_seconds{webhook="crm"}': "0 12 9 0x37",
    'dialer_unknown_ratio{campaign="first-1"}': "0.02x40",
    'dialer_campaign_calls{campaign="first-1",outcome="unknown"}': "0+1x40",
    'dialer_bucket_left{account="bulk",limit="day points"}': "900x40",
    'dialer_clock_set_seconds{process="worker@a"}': "0x40",
    'dialer_clock_ahead_seconds{process="worker@a"}': "-0.2x40",
    'dialer_disk_free_bytes{process="worker@a"}': "50x40",
    'dialer_disk_size_bytes{process="worker@a"}': "100x40",
    'dialer_oldest_due_seconds{campaign="first-1"}': "0+60x40",
    'dialer_campaign_held{campaign="first-1",kind="day_points"}': "1x40",
    'dialer_faults_total{step="sweep",account=""}': "3x40",
}
AT = "25m"


def selectors(node: Any) -> Iterator[tuple[str, set[str]]]:
    """The metrics that an expression asks for, each with the labels that it is chosen by."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, {matcher.name for matcher in node.matchers.matchers}
    for part in PARTS:
        below = getattr(node, part, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None:
                yield from selectors(child)


def groupings(node: Any) -> Iterator[set[str]]:
    """The labels that an expression adds up by."""
    modifier = getattr(node, "modifier", None)
    yield set(getattr(modifier, "labels", ()))
    for part in PARTS:
        below = getattr(node, part, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None:
                yield from groupings(child)


@pytest.mark.parametrize(
    "expression",
    [*(rule["expr"] for rule in RULES), *(expression for _, _, expression in panels())],
    ids=[*NAMES, *(f"{dashboard}: {title}" for dashboard, title, _ in panels())],
)
def test_what_is_asked_for_is_served(expression: str) -> None:
    parsed = promql_parser.parse(expression)
    asked, allowed = list(selectors(parsed)), set(ITS_LABELS)
    assert asked
    for name, labels in asked:
        metric = name if name in METRICS else re.sub(r"_(bucket|count|sum)$", "", name)
        assert metric in METRICS or metric in OF_PROMETHEUS, f"nothing serves {name}"
        allowed |= METRICS.get(metric, {"process"})
        assert labels <= METRICS.get(metric, set()) | ITS_LABELS
    for labels in groupings(parsed):
        assert labels <= allowed


def test_every_metric_is_asked_for_somewhere() -> None:
    """What no dashboard and no alert shows is on no screen when it is needed."""
    expressions = [*(rule["expr"] for rule in RULES), *(expression for _, _, expression in panels())]
    named = {name for one in expressions for name, _ in selectors(promql_parser.parse(one))}
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named} | named
    assert sorted(METRICS.keys() - shown) == []


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_every_alert_has_its_section_in_the_runbook_and_its_panel(rule: dict[str, Any]) -> None:
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    name, notes = rule["alert"], rule["annotations"]
    assert notes["runbook"] == f"docs/runbook.md#{name.lower()}"
    section = runbook.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert section.count("\n* See:") == section.count("\n* Do:") == 1
    dashboard, _, title = notes["dashboard"].partition(": ")
    assert title in {panel for board, panel, _ in panels() if board == dashboard}
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert re.findall(r"^## (Dialer\w+)$", (ROOT / "docs/runbook.md").read_text("utf-8"), re.MULTILINE) == NAMES


@pytest.mark.parametrize("file", sorted(DASHBOARDS.glob("*.json")), ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported(file: Path) -> None:
    board = json.loads(file.read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in board["panels"])
    chosen = {variable["name"] for variable in board["templating"]["list"]}
    asked = set(re.findall(r"\$(?!__)\{?(\w+)", json.dumps(board)))
    assert asked <= chosen


@needed
def test_each_alert_fires_for_its_fault_and_is_quiet_otherwise(tmp_path: Path) -> None:
    assert sorted(PROVOKED) == sorted(NAMES)
    tests = [_test(name, series, fires=True) for name, series in PROVOKED.items()]
    tests += [_test(name, WELL, fires=False) for name in NAMES]
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run(
        [program("promtool") or "", "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _test(name: str, series: dict[str, str], *, fires: bool) -> dict[str, Any]:
    """A fault, or none, for promtool: the alert is asked for by a query, so that its words need not be repeated."""
    given = [{"series": metric, "values": values} for metric, values in series.items()]
    query = {"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > 0', "eval_time": AT}
    expected = [{"labels": "{}", "value": 1}] if fires else []
    return {"interval": "1m", "input_series": given, "promql_expr_test": [{**query, "exp_samples": expected}]}
