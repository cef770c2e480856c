"""`dialer demo`, whole: a real campaign on both vendors' sandbox, watched from Redis, the logs and Flower for leaks."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import threading
from ast import literal_eval
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from campaigns.reporting.csv_sheets import ATTEMPT_COLUMNS
from tests.support import loopback
from tests.support.shell import Shell, processes_in

FINAL = {"reached", "unreached", "refused", "suppressed", "expired", "cancelled", "unknown"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Eavesdropper(threading.Thread):
    """Hears every command that passes through a Redis."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.heard: list[str] = []
        self._client = redis.Redis.from_url(url)
        self._listening = threading.Event()

    def run(self) -> None:
        try:
            with self._client.monitor() as monitor:
                self._listening.set()
                for command in monitor.listen():
                    self.heard.append(command["command"])
        except (redis.RedisError, ValueError, OSError):
            return  # the server has stopped


@dataclass(frozen=True)
class Demo:
    folder: Path
    printed: str
    code: int
    redis_heard: list[str]
    redis_kept: list[str]
    flower_tasks: dict[str, dict[str, object]]
    flower_refused: list[int]
    calls: list[dict[str, object]]
    left_over: list[str]
    steps: subprocess.CompletedProcess[str]

    @property
    def data(self) -> Path:
        return self.folder / ".dialer" / "demo"

    def rows(self, query: str) -> list[tuple[object, ...]]:
        ledger = sqlite3.connect(self.data / "ledger.sqlite3")
        try:
            return ledger.execute(query).fetchall()
        finally:
            ledger.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    shell = Shell(tmp_path_factory.mktemp("demo"))
    running = shell.begin("demo", "--keep")
    printed: list[str] = []
    spy: Eavesdropper | None = None
    try:
        for line in running.stdout:
            printed.append(line)
            stack = shell.folder / ".dialer" / "demo" / "stack.json"
            if spy is None and stack.is_file():
                spy = Eavesdropper(_redis(stack))
                spy.start()
            if line.startswith("Everything is left running"):
                break
        urls = json.loads(stack.read_text())["urls"]
        password = (stack.parent / "password").read_text().strip()
        kept = _kept(_redis(stack))
        with loopback.client(base_url=urls["flower"]) as flower:
            refused = [flower.get(path).status_code for path in ("/", "/metrics", "/api/tasks")]
            tasks = flower.get("/api/tasks?limit=2000", auth=("operator", password)).json()
        calls = loopback.get(f"{urls['sandbox']}/_calls").json()
        steps = shell.typed("export DIALER_DATA_DIR=.dialer/demo\ndialer status")
        printed.append(shell.end(running))
    finally:
        running.process.kill()
        code = running.process.wait()
    return Demo(
        folder=shell.folder,
        printed="".join(printed),
        code=code,
        redis_heard=spy.heard if spy else [],
        redis_kept=kept,
        flower_tasks=tasks,
        flower_refused=refused,
        calls=calls,
        left_over=processes_in(shell.folder),
        steps=steps,
    )


def _redis(stack: Path) -> str:
    """Where the Redis of a running stack is, with its password, as its owner alone can read it."""
    address = json.loads(stack.read_text())["urls"]["redis"]
    password = (stack.parent / "redis-password").read_text()
    return str(address.replace("redis://", f"redis://:{password}@"))


def _kept(url: str) -> list[str]:
    """Every key of a Redis with its value, as text."""
    client = redis.Redis.from_url(url, decode_responses=True, encoding_errors="backslashreplace")
    readers = {
        "string": client.get,
        "list": lambda key: client.lrange(key, 0, -1),
        "hash": client.hgetall,
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    kept = [f"{key} {readers[client.type(key)](key)}" for key in client.scan_iter("*") if client.type(key) in readers]
    client.close()
    return kept


def secrets_of(demo: Demo) -> list[str]:
    """What must not be seen anywhere but in the ledger: numbers, texts, names, keys."""
    contacts = demo.rows("SELECT phone, text FROM contacts")
    numbers = {phone[2:] for phone, _ in contacts}
    words = {" ".join(text.split()[:6]) for _, text in contacts if text}
    return [*numbers, *words, "sandbox-key", "You have an appointment", "Your parcel"]


def test_the_next_steps_work_as_they_are_printed(demo, tmp_path):
    typed = demo.printed.partition("In another terminal, in this folder:\n")[2]
    assert typed.startswith("  export DIALER_DATA_DIR=.dialer/demo\n  dialer status\n")
    assert (demo.steps.returncode, "appointments-1" in demo.steps.stdout) == (0, True), demo.steps
    shutil.copytree(demo.data, tmp_path / ".dialer" / "demo", ignore=shutil.ignore_patterns("redis"))
    commands = [line for line in typed.splitlines() if line.startswith(("  export", "  dialer"))]
    done = Shell(tmp_path).typed("\n".join(commands))
    assert done.returncode == 0, done
    assert "dialer redial" not in demo.printed.partition("In another terminal")[0], "it would not work as typed"


@pytest.mark.timeout(600)
def test_the_demo_ends_well_and_says_where_everything_is(demo):
    assert demo.code == 0, demo.printed
    said = " ".join(demo.printed.split())
    assert "They agree." in said
    for file in ("appointments-1-attempts.csv", "delivery-1-attempts.csv", "appointments-1-rejects.csv"):
        assert file in said
        assert (demo.data / "reports" / file).is_file()


def test_every_contact_has_a_final_status_and_a_reason(demo):
    statuses = demo.rows("SELECT status, reason FROM contacts")
    assert len(statuses) == 240
    assert {status for status, _ in statuses} <= FINAL
    assert all(reason for _, reason in statuses)


def test_the_sandboxs_log_agrees_with_the_ledger_call_by_call(demo):
    """Not by the demo's own judge: the log's correlation ids against the ledger's ids."""
    logged = Counter(UUID.search(_dashed(call["correlation_id"])).group() for call in demo.calls)
    assert max(logged.values()) == 1, "nobody is called twice for one attempt"
    placed = {_dashed(one) for (one,) in demo.rows("SELECT id FROM attempts WHERE counted")}
    assert set(logged) >= placed
    others = {_dashed(one) for (one,) in demo.rows("SELECT id FROM attempts WHERE status = 'unknown' AND NOT counted")}
    assert set(logged) - placed <= others


def test_each_call_of_a_contact_is_an_attempt_of_its_own_and_within_the_cap(demo):
    calls = Counter((call["vendor"], call["to"]) for call in demo.calls)
    assert max(calls.values()) <= 3, "max_attempts of the examples"


def test_the_outcomes_of_answered_calls_agree(demo):
    heard = [call for call in demo.calls if call["outcome"] == "answered" and not str(call["to"]).endswith("24")]
    answered = {_dashed(call["correlation_id"]) for call in heard}  # 24 hangs up early, perhaps between two looks
    ledger = {_dashed(one) for (one,) in demo.rows("SELECT id FROM attempts WHERE outcome = 'answered'")}
    unsure = {_dashed(one) for (one,) in demo.rows("SELECT id FROM attempts WHERE outcome = 'unknown'")}
    assert ledger <= {_dashed(call["correlation_id"]) for call in demo.calls if call["outcome"] == "answered"}
    assert answered - ledger <= unsure


def test_no_number_text_or_key_passes_through_redis(demo):
    assert len(demo.redis_heard) > 1000, "the whole campaign was overheard"
    through = "\n".join([*demo.redis_heard, *demo.redis_kept])
    assert [secret for secret in secrets_of(demo) if secret in through] == []


def test_no_number_text_or_key_is_in_the_logs(demo):
    logs = "\n".join(file.read_text(errors="replace") for file in (demo.data / "logs").glob("*.log"))
    assert "call requested" in logs
    assert [secret for secret in secrets_of(demo) if secret in logs] == []
    assert [secret for secret in secrets_of(demo) if secret in demo.printed] == []


def test_flower_tells_the_story_of_each_campaign_in_words_and_with_ids_only(demo):
    shown = json.dumps(demo.flower_tasks)
    assert [secret for secret in secrets_of(demo) if secret in shown] == []
    # A task that was received before Flower listened has no name.
    dials = [task for task in demo.flower_tasks.values() if task["name"]]
    assert {task["name"] for task in dials} == {"dial appointments-1", "dial delivery-1"}
    for task in dials:
        shown = literal_eval(task["kwargs"])
        assert (f"dial {shown['campaign']}", shown.keys()) == (task["name"], {"campaign", "lines", "claim"})
        assert re.fullmatch(r"[\d, …-]+", shown["lines"])
    ended = {state: [task for task in dials if task["state"] == state] for state in ("SUCCESS", "RETRY", "FAILURE")}
    assert ended["FAILURE"] == []
    assert any("placed" in task["result"] for task in ended["SUCCESS"])
    assert all("; due again from " in task["exception"] for task in ended["RETRY"])


def test_flower_asks_for_the_password_for_its_metrics_too(demo):
    assert demo.flower_refused == [401, 401, 401]


def test_the_report_has_the_columns_that_operators_know(demo):
    with (demo.data / "reports" / "appointments-1-attempts.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == ATTEMPT_COLUMNS
    assert {line["contact_row"] for line in lines} == {
        str(line) for (line,) in demo.rows("SELECT line FROM contacts WHERE campaign_id = 'appointments-1'")
    }
    assert all("*****" in line["contact_masked"] for line in lines)
    assert all(re.search(r"[+-]\d\d:\d\d$", line["submitted_at"]) for line in lines if line["submitted_at"])


def test_the_rejects_are_whole_and_say_why(demo):
    with (demo.data / "reports" / "appointments-1-rejects.csv").open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 5
    assert all(line["_line"] and line["_code"] and line["_reason"] for line in lines)


def test_nothing_of_it_runs_afterwards(demo):
    assert demo.left_over == []
    assert not (demo.data / "stack.json").exists()


def _dashed(correlation_id: object) -> str:
    plain = str(correlation_id).replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
