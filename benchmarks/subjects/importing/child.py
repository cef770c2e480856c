"""One measurement, printed as JSON: `python -m benchmarks.subjects.importing.child KIND FILE LEDGER_URL`."""

from __future__ import annotations

import csv
import gc
import json
import os
import resource
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import phonenumbers
from openpyxl import load_workbook

from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.launch import UncheckedList, launch
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from dialer.providers.registry import account_settings
from tests.support.processes import family, memory

ACCOUNTS = {"main": account_settings(**{"provider": "callgear", "access_token": "measured"})}


def bare(campaign: Path, _ledger_url: str) -> None:
    """The simplest loop, for comparison."""
    seen = set()
    with (campaign.parent / "list.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            try:
                number = phonenumbers.parse(row["phone"], "US")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                seen.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def start(campaign: Path, ledger_url: str) -> None:
    """Check the list, write its rejects, and put it into the ledger, as `dialer start --skip-rejects` does."""
    ledger = Ledger(ledger_url)
    upgrade(ledger)
    try:
        source = UncheckedList(
            audience=open_audience(campaign, ACCOUNTS), accounts=ACCOUNTS, exclusions=False, skip_rejects=True
        )
        launch(ledger, source, rejects_folder=campaign.parent, who="benchmark", now=datetime.now(UTC))
    finally:
        ledger.close()


def openpyxl_bare(campaign: Path, _ledger_url: str) -> None:
    """Every cell of the workbook's first sheet, as its most used library reads it."""
    book = load_workbook(campaign.parent / "list.xlsx", read_only=True)
    for _ in book.worksheets[0].iter_rows(values_only=True):
        pass


def check_only(campaign: Path, _ledger_url: str) -> None:
    """Check the list as `dialer check` does, which keeps no contact."""
    check(campaign, ACCOUNTS, keep=False)


KINDS = {"bare": bare, "openpyxl": openpyxl_bare, "check": check_only, "sqlite": start, "postgresql": start}


def main() -> None:
    """Run one measurement; print the seconds and the peak memory."""
    gc.freeze()  # as `dialer` does once its imports are done
    helpers: dict[int, float] = {}
    threading.Thread(target=_note_peaks, args=(helpers,), daemon=True).start()
    began = time.perf_counter()
    KINDS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    seconds = time.perf_counter() - began
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "rss": rss + sum(helpers.values())}))


def _note_peaks(megabytes: dict[int, float]) -> None:
    """Note the peak memory of each process that this one has started, for as long as it lives."""
    while True:
        for pid in family(os.getpid())[1:]:
            megabytes[pid] = max(megabytes.get(pid, 0.0), memory(pid, peak=True) / (1 << 20))
        time.sleep(0.2)


if __name__ == "__main__":
    main()
