"""A single call that the API has taken is released at once: here nothing else would, for no beat sends ticks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from campaigns.ledger.store import Ledger
from console.web.app import create_app
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import console_server
from tests.support.dialers import callgear, wait_for
from tests.support.forking import Forked
from tests.support.motion import KEYLESS, start_standing
from tests.support.patience import PATIENCE
from workers.nudges import Nudges
from workers.settings import Settings
from workers.settings_sections import RedisSettings

SETTINGS = """\
[accounts.main]
provider = "callgear"
access_token = "sandbox-key"
base_url = "{url}"
"""
# What a busy machine does too late is left to the next tick, and here none comes: this worker is in no hurry.
PATIENT_WORKER = f"""
import runpy, sys
from campaigns.runtime import Runtime
from workers import tasks
tasks.NUDGE_SECONDS = Runtime.__init__.__kwdefaults__["send_within"] = {PATIENCE}
sys.argv = "celery --app=workers.app worker --loglevel=WARNING --concurrency=4 --pool=threads".split()
runpy.run_module("celery", run_name="__main__")
"""


@pytest.fixture
def worker(ledger, redis_url, tmp_path: Path) -> Iterator[str]:
    """A worker, and nothing that sends it ticks; the address of the sandbox that it calls."""
    with running(SandboxConfig()) as sandbox:
        url = sandbox.base_url("callgear")
        settings = tmp_path / "dialer.toml"
        settings.write_text(SETTINGS.format(url=url))
        settings.chmod(0o600)
        environ = os.environ | {
            "DIALER_REDIS__URL": redis_url,
            "DIALER_LEDGER__URL": ledger.engine.url.render_as_string(hide_password=False),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        with Path(os.devnull).open("r+b") as nothing:
            process = Forked(("-c", PATIENT_WORKER), cwd=tmp_path, env=environ, files=(nothing, nothing, nothing))
        try:
            yield sandbox
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_single_call_leaves_at_once(ledger: Ledger, redis_url, worker, tmp_path):
    settings = console_server.settings(tmp_path, ledger.url)
    accounts = {"main": callgear(worker.base_url("callgear"))}
    redis = RedisSettings(url=SecretStr(redis_url))
    app = create_app(settings.model_copy(update={"accounts": accounts, "redis": redis}), utc_now)
    campaign = start_standing(ledger, tmp_path, now=utc_now(), definition=KEYLESS)
    with console_server.serving(app) as address, console_server.client(address) as program:
        for number in range(1, 4):
            call = {"campaign": campaign.id, "to": f"+1415555010{number}", "fields": {"name": "Ann"}}
            program.post("/api/v1/calls", json=call).raise_for_status()
            wait_for(lambda number=number: len(worker.calls()) == number)


def test_a_nudge_without_redis_is_left_to_the_next_tick():
    nudges = Nudges(Settings(redis=RedisSettings(url=SecretStr("redis://127.0.0.1:9/0"))))
    assert nudges.nudge("main") is False
    nudges.close()
