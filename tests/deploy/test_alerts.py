"""The alerts and dashboards of deploy/: what they ask for is served, and each alert fires for its fault alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.drill.faults import FAULTS, Fault
from tests.drill.prometheus import rules
from tests.drill.record import Row
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
        'dialer_campaign_info{campaign="first-1",account="main",status="running"}': "1x40",
    },
    "DialerCallerIdFalling": {'dialer_caller_id_falling{campaign="first-1",caller_id="+1800*****00"}': "_x5 1x30"},
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
    'dialer_caller_id_falling{campaign="first-1",caller_id="+1800*****00"}': "1x10 _x30",
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


def selectors(node: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The metrics that an expression asks for, each with the labels that it is chosen by, and what these are to be."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}
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
        assert labels.keys() <= METRICS.get(metric, set()) | ITS_LABELS
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


def test_every_alert_is_drilled_or_the_runbook_says_why_not() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    not_drilled = re.findall(r"`(Dialer\w+)` is not in the drill", runbook)
    assert sorted([*(fault.alert for fault in FAULTS), *not_drilled]) == sorted(NAMES)


def test_each_alert_of_the_last_drill_fired_was_shown_and_ended() -> None:
    section = (ROOT / "docs/runbook.md").read_text("utf-8").partition("<!-- drill -->\n")[2]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert [row[1] for row in rows] == [fault.alert for fault in FAULTS]
    assert all(Row(*row).is_whole for row in rows)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_the_drill_runs_the_commands_of_the_alerts_section(fault: Fault) -> None:
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    section = runbook.partition(f"\n## {fault.alert}\n")[2].partition("\n## ")[0]
    steps = re.findall(r"`(dialer [^`]*)`", fault.step)
    assert all(f"`{command}" in section for command in [fault.see, *steps])


def test_a_drill_divides_the_times_of_the_alerts_and_nothing_else() -> None:
    drilled = {rule["alert"]: rule for group in rules()["groups"] for rule in group["rules"]}
    assert drilled["DialerRedisAway"]["for"] == "2s"
    assert "[20s]" in drilled["DialerAccountThrottled"]["expr"]
    assert "> 0.3" in drilled["DialerAccountThrottled"]["expr"]
    assert drilled["DialerEventsStuck"]["expr"].endswith("> 10")


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
    tests = [_test(series, f'ALERTS{{alertname="{name}",alertstate="firing"}}') for name, series in PROVOKED.items()]
    tests.append(_test(WELL, 'ALERTS{alertstate="firing"}', lines=False))
    _tested(tmp_path, tests)


@needed
def test_each_panel_shows_what_is_there(tmp_path: Path) -> None:
    """Every expression of the dashboards has a line where its metrics have one, whatever their labels are."""
    expressions = [expression for _, _, expression in panels()]
    series = {name: values for expression in expressions for name, values in _some_series(expression)}
    _tested(tmp_path, [_test(series, *expressions)])


def _some_series(expression: str) -> Iterator[tuple[str, str]]:
    """A series for each metric that an expression asks for, a histogram in two buckets; each rises by one a minute."""
    for name, matchers in selectors(promql_parser.parse(expression)):
        metric = re.sub(r"_bucket$", "", name)
        labels = dict.fromkeys(METRICS.get(metric, {"job", "instance", "process"}), "x")
        labels |= {label: value.partition("|")[0] for label, value in matchers.items()}
        for bound in ({"le": "1"}, {"le": "+Inf"}) if metric != name else ({},):
            written = ",".join(f'{label}="{value}"' for label, value in (labels | bound).items())
            yield f"{name}{{{written}}}", "0+1x40"


def _tested(folder: Path, tests: Sequence[dict[str, Any]]) -> None:
    file = folder / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    command = [str(program("promtool")), "test", "rules", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _test(series: dict[str, str], *expressions: str, lines: bool = True) -> dict[str, Any]:
    """A test of promtool: with these series each of the expressions has a line, or none has."""
    given = [{"series": name, "values": values} for name, values in series.items()]
    expected = [{"labels": "{}", "value": 1}] if lines else []
    asked = [{"expr": f"count({one}) > bool 0", "eval_time": AT, "exp_samples": expected} for one in expressions]
    return {"interval": "1m", "input_series": given, "promql_expr_test": asked}
