"""What the drill works on: a whole stack on a small disk, calls on both vendors all the time, a webhook, Prometheus."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import EventKind
from campaigns.operations import api_tokens
from campaigns.operations.webhooks import subscriptions
from dialer.calls import Outcome
from dialer.internal_networks import networks
from tests.chaos import disk as disks
from tests.chaos import stack as stacks
from tests.chaos import stores
from tests.chaos.storm import TEXT, reserved_numbers  # long, so that a call is seen while it lasts
from tests.chaos.webhooks import UnreliableReceiver
from tests.drill.prometheus import Prometheus, watching
from tests.support import loopback
from workers.clock import now_utc
from workers.ledger import open_ledger
from workers.stack.ports import Ports

SPEED = 8.0
CALLS_WITHIN = 900.0  # on a machine that others keep busy
CONTACTS = 3000
WHO = "drill"
PRICES = {"currency": "USD", "per_minute": "0.05"}  # so that the panel of costs has something to show
KINDS = [EventKind.ATTEMPT_FINISHED]
CAMPAIGN = """\
campaign: {name}
account: {account}
contacts: {{file: {name}.csv}}
message: {{tts: "{text}"}}
caller_id: {caller_id}
pace: {pace}
retry: {{max_attempts: 1}}
breaker: {{wait: 5s}}
"""
SHOWN = '["+18005550100", "+18005550108"]'
ANSWERED = (*range(11), *range(25, 94))  # the endings of the reserved numbers that answer


class NotProvoked(Exception):
    """A fault could not be brought about; the message says what was missing."""


@dataclass
class Installation:
    """The parts that a fault befalls."""

    folder: Path
    stack: stacks.FaultyStack
    store: stores.PostgresStore
    disk: disks.Disk
    ledger: Ledger
    receiver: UnreliableReceiver
    prometheus: Prometheus
    clock: Path
    at_end: ExitStack = field(default_factory=ExitStack)

    def sandbox(self, **changes: Any) -> None:
        """Change how the vendors behave."""
        loopback.post(f"{self.stack.sandbox_url}/_config", json=changes).raise_for_status()

    def start(self, name: str, account: str, numbers: list[str], pace: float, caller_id: str = SHOWN) -> str:
        """Start a campaign; returns its id. `caller_id` as a campaign file has it."""
        (self.folder / f"{name}.csv").write_text("\n".join(["phone", *numbers]) + "\n")
        file = self.folder / f"{name}.yaml"
        file.write_text(CAMPAIGN.format(name=name, account=account, pace=pace, text=TEXT, caller_id=caller_id))
        accounts: Mapping[str, Any] = {
            key: one.model_copy(update={"sandbox": True}) for key, one in self.stack.settings.accounts.items()
        }
        return launch(self.ledger, check(file, accounts), who=WHO, now=now_utc()).id

    def wait_for_calls(self, campaign: str, outcome: Outcome, count: int) -> None:
        """Return when so many calls of a campaign have ended so."""
        ended = select(func.count()).where(attempts.c.campaign_id == campaign, attempts.c.outcome == outcome)
        until = time.monotonic() + CALLS_WITHIN
        while time.monotonic() < until:
            with self.ledger.reading() as db:
                if (db.scalar(ended) or 0) >= count:
                    return
            time.sleep(0.5)
        raise NotProvoked(f"{campaign} has not had {count} calls {outcome} in time:\n{self.run('dialer status')}")

    def run(self, command: str) -> str:
        """What a command of the runbook prints, on this installation."""
        words = shlex.split(command)
        for documented, ours in {
            "dialer": str(Path(sys.executable).with_name("dialer")),
            "http://127.0.0.1:8080/healthz": f"{self.stack.info.urls['console']}/healthz",
            "https://dialer.example.com/healthz": f"{self.stack.settings.console.public_url}/healthz",
            ".dialer": str(self.stack.folder),
        }.items():
            words = [ours if word == documented else word for word in words]
        environ = os.environ | self.stack.environment | {"COLUMNS": "200"}
        ran = subprocess.run(words, env=environ, cwd=self.folder, capture_output=True, text=True, check=False)
        return ran.stdout + ran.stderr

    def start_worker_with_a_clock(self) -> int:
        """Another worker, on a machine of its own as it were: its clock can be set. Returns its process's id."""
        program = self.stack.children["worker1"].program
        argv = [part.replace("worker1@", "worker9@") for part in program.argv]
        path = os.pathsep.join([str(Path(__file__).parents[1] / "support" / "set_clock"), program.env["PYTHONPATH"]])
        env = {**program.env, "PYTHONPATH": path, "CLOCK_OFFSET": str(self.clock)}
        log = self.at_end.enter_context((self.folder / "worker9.log").open("wb"))
        running = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
        self.at_end.callback(running.wait)
        self.at_end.callback(running.kill)
        return running.pid


def answering(count: int, *, skip: int) -> list[str]:
    """So many reserved numbers that answer, unless the sandbox has other odds."""
    return [number for number in reserved_numbers(2 * count, skip=skip) if int(number[-2:]) in ANSWERED][:count]


@contextmanager
def opened(folder: Path) -> Iterator[Installation]:
    """All of it, for as long as the block runs."""
    os.environ["DIALER_WEBHOOKS__INTERNAL_NETWORKS"] = '["127.0.0.1"]'
    clock = folder / "clock"
    clock.write_text("0")
    with ExitStack() as parts:
        disk = parts.enter_context(disks.small())
        store = parts.enter_context(stores.opened("postgresql", folder))
        assert isinstance(store, stores.PostgresStore)
        manner: dict[str, Any] = {"seed": 7, "speed": SPEED, "workers": 1, "without": ("beat2", "console2")}
        manner["account"] = stacks.ACCOUNT | {"prices": PRICES}
        stack = parts.enter_context(stacks.opened(disk.folder / "stack", store.url, **manner))
        ledger = open_ledger(stack.settings)
        parts.callback(ledger.close)
        _, token = api_tokens.create(ledger, "prometheus", [api_tokens.Scope.METRICS], who=WHO, now=now_utc())
        receiver = UnreliableReceiver()
        parts.enter_context(receiver.up())
        allowed = networks(["127.0.0.1"])
        subscriptions.add(ledger, "crm", receiver.receiver.url, kinds=KINDS, allowed=allowed, who=WHO, now=now_utc())
        port = parts.enter_context(Ports()).take(0).number
        target = stack.info.urls["console"]
        prometheus = parts.enter_context(watching(folder / "prometheus", port, target, token))
        installation = Installation(folder, stack, store, disk, ledger, receiver, prometheus, clock)
        parts.enter_context(installation.at_end)
        for skip, account in enumerate(("callgear", "webex")):
            installation.start(f"daily-{account}", account, answering(CONTACTS, skip=skip), 2)
        yield installation
