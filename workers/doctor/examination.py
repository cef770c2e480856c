"""The examination of an installation: every check at once, in the order in which people read them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from dialer.errors import DialerError
from workers.doctor import addresses, machine, private, running, stores
from workers.doctor.findings import ClockReading, Finding, fail, ok, secrets_of, warn, without_secrets
from workers.settings import BadSettings, Settings, load, settings_file
from workers.stack.environment import environment
from workers.stack.info import running_stack

Check = Callable[[Settings], Iterable[Finding | ClockReading]]
LIMIT_SECONDS = 20.0  # for all checks together; each has shorter ones of its own

OF_THE_MACHINE: Sequence[tuple[str, Check]] = (
    ("disk", machine.disk),
    ("files", private.files),
    ("open files", machine.open_files),
    ("time zones", machine.time_zones),
)
OF_THE_INSTALLATION: Sequence[tuple[str, Check]] = (
    ("Redis", stores.redis_server),
    ("ledger", stores.ledger),
    ("accounts", addresses.accounts),
    ("console", addresses.console),
    ("Flower", addresses.flower),
    ("receipts", addresses.receipts),
    ("beat, worker", running.heartbeat),
)


def examine() -> list[Finding]:
    """All findings about the installation whose settings are read here. Changes nothing, and places no call."""
    try:
        settings = load()
        if info := running_stack(settings.data_dir):
            os.environ.update(environment(settings, info))
            settings = load()
    except BadSettings as exc:
        wrong = [fail("settings", line, exc.remedy) for line in exc.message.splitlines()]
        return [*wrong, *_examined([("versions", machine.versions), *OF_THE_MACHINE], Settings.model_construct())]
    checks = [("versions", machine.versions), *OF_THE_INSTALLATION, *OF_THE_MACHINE]
    return [_of_settings(settings), *_examined(checks, settings)]


def _of_settings(settings: Settings) -> Finding:
    file, count = settings_file(), len(settings.accounts)
    accounts = f"{count} account{'' if count == 1 else 's'}, data in {settings.data_dir}"
    if not file.exists():
        if count:
            return ok("settings", f"from variables: {accounts}")
        return warn("settings", f"there is no {file} here", "run this where it is, or set DIALER_CONFIG")
    return ok("settings", f"{file}: {accounts}")


def _examined(checks: Sequence[tuple[str, Check]], settings: Settings) -> list[Finding]:
    """What the checks find, all asked at once; a check that does not end is a finding too."""
    results: dict[str, list[Finding | ClockReading]] = {}

    def run(subject: str, check: Check) -> None:
        try:
            results[subject] = list(check(settings))
        except DialerError as exc:
            results[subject] = [fail(subject, exc.message, exc.remedy)]
        except Exception as exc:
            remedy = "report it, with what this command prints with --json"
            results[subject] = [fail(subject, f"it could not be looked at: {type(exc).__name__}: {exc}", remedy)]

    # Daemons: a name server that does not answer must not keep this process from its end.
    threads = {
        subject: threading.Thread(target=run, args=(subject, check), daemon=True, name=f"doctor {subject}")
        for subject, check in checks
    }
    for thread in threads.values():
        thread.start()
    ends_at = time.monotonic() + LIMIT_SECONDS
    for thread in threads.values():
        thread.join(max(0.0, ends_at - time.monotonic()))
    parts = [part for subject in threads for part in results.get(subject, [_unfinished(subject)])]
    findings = [part for part in parts if isinstance(part, Finding)]
    if any(subject == "Redis" for subject, _ in checks):
        findings.append(machine.clocks(part for part in parts if isinstance(part, ClockReading)))
    secrets = secrets_of(settings)
    return [without_secrets(finding, secrets) for finding in findings]


def _unfinished(subject: str) -> Finding:
    return fail(subject, f"no answer within {LIMIT_SECONDS:g} s", "see the network, and the name server (DNS)")
