"""The services of a docker-compose.yml, started in stages and looked at: Podman 4 waits for no health by itself."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.containers.engine import ROOT, Engine, dotenv

STORES = ("redis", "postgres")
DIALER = ("worker", "beat", "console", "flower")
PASSWORDS = {"POSTGRES_PASSWORD": "postgres0secret", "REDIS_PASSWORD": "redis0secret"}
SECRETS = {**PASSWORDS, "DIALER_CONSOLE__PASSWORD": "a-password-of-the-drill"}
NOT_BY_PODMAN = ("build", "depends_on")  # images are there already; the order is ours
PATIENCE = 400.0  # of a machine that others keep busy, too
VENDORS = ("CALLGEAR", "WEBEX")
SOON = {
    "POLL_SECONDS": "1",
    "SETTLE_SECONDS": "30",
}  # so that a drill need not wait long for calls of which nothing is heard


class NotInTime(Exception):
    """Something did not happen within its time."""


class Services:
    """The services of one tree: its compose file, with the sandbox beside it."""

    def __init__(self, engine: Engine, tree: Path, image: str) -> None:
        self.engine = engine
        self.folder = engine.folder / f"compose-{image.rpartition(':')[2]}"
        self.folder.mkdir(exist_ok=True)
        text = (tree / "docker-compose.yml").read_text()
        text = re.sub(r"@sha256:[0-9a-f]{64}", "", text)  # the stand-ins have the tags
        text = text.replace("$$HOSTNAME", "$$(hostname)")  # which 18de8bf asks, and Podman does not set
        composed = yaml.safe_load(text)
        self.project = composed["name"]
        rehearsal = yaml.safe_load((ROOT / "deploy" / "compose.sandbox.yml").read_text())
        rehearsal["x-accounts"] |= {
            f"DIALER_ACCOUNTS__{vendor}__{key}": value for vendor in VENDORS for key, value in SOON.items()
        }
        for name, service in composed["services"].items():
            if name not in STORES:
                service["image"] = image
            for key in NOT_BY_PODMAN:
                service.pop(key, None)
        (self.folder / "staged.yml").write_text(yaml.safe_dump(composed, sort_keys=False))
        (self.folder / "rehearsal.yml").write_text(yaml.safe_dump(rehearsal, sort_keys=False))
        (self.folder / ".env").write_text(dotenv(SECRETS))

    def up(self, *programs: str, healthy: bool = True) -> None:
        """Start the stores, the sandbox, the ledger's upgrade and then these programs."""
        self.start(*STORES, "sandbox")
        self.compose("up", "migrate")
        self.start(*programs, healthy=healthy)

    def start(self, *services: str, options: Sequence[str] = (), healthy: bool = True) -> None:
        """Start services, and return when all of their containers are healthy."""
        self.compose("up", "--detach", "--no-recreate", *options, *services)
        if healthy:
            self.wait_healthy(self.containers(services))

    def run(self, campaigns: Path, *command: str) -> str:
        """What a command of ours prints, in a container of its own with this folder of campaign files."""
        return self.compose("run", "--rm", "-T", "--volume", f"{campaigns}:/campaigns", "console", *command)

    def stop(self, *services: str) -> None:
        """Stop services as `docker compose stop` does, and remove their containers."""
        self.compose("stop", *services)
        self.engine.podman("rm", *self.containers(services))

    def compose(self, *words: str) -> str:
        """What podman-compose prints."""
        return self.engine.compose(self.folder, *words)

    def containers(self, services: Iterable[str] | None = None) -> list[str]:
        """The names of the containers of these services, or of all."""
        names = self.engine.podman("ps", "--all", "--format", "{{.Names}}").split()
        wanted = None if services is None else set(services)
        return sorted(
            name
            for name in names
            if name.startswith(f"{self.project}_") and (wanted is None or name.split("_")[1] in wanted)
        )

    def wait_healthy(self, containers: Iterable[str]) -> None:
        """Return when the health check of each succeeds. Raises NotInTime with the log of the one that does not."""
        for name in containers:
            try:
                wait_until(lambda name=name: self.is_healthy(name), every=2)
            except NotInTime:
                raise NotInTime(f"{name} is not healthy after {PATIENCE:.0f} s:\n{self.engine.log(name)}") from None

    def is_healthy(self, name: str) -> bool:
        """Ask by the health check that the compose file names; Podman has nobody to ask without systemd."""
        if not self.look(name)["State"]["Running"]:
            return False
        return self.engine.podman_succeeds("healthcheck", "run", name)

    def look(self, name: str) -> dict[str, Any]:
        """What Podman knows of a container."""
        facts: list[dict[str, Any]] = json.loads(self.engine.podman("inspect", name))
        return facts[0]

    def address(self, name: str) -> str:
        """A container's address on the network of the stores."""
        networks = self.look(name)["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_inside"]["IPAddress"])

    def kill(self, name: str) -> None:
        """Kill the first process of a container, as the kernel does where memory ends, and wait until it runs again."""
        pid = self.look(name)["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.look(name)["State"]["Pid"] not in (pid, 0))


def wait_until(happened: Callable[[], object], seconds: float = PATIENCE, every: float = 0.5) -> None:
    """Return when this is true. Raises NotInTime."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise NotInTime(f"not within {seconds:.0f} s")
        time.sleep(every)
