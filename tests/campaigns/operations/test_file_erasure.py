"""Files that hold an erased person: written anew without, or named."""

from __future__ import annotations

import csv
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import event, insert, update

from campaigns.launch.checking.checks import check
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import launch
from campaigns.ledger.tables import campaigns, schedules
from campaigns.operations.erasure import erase
from campaigns.operations.file_erasure import erase_files
from campaigns.reporting.report import report
from campaigns.settlement.endings import Ending, conclude
from dialer.calls import Outcome
from dialer.phone import parse
from tests.campaigns.launch.test_launch import ACCOUNTS, UNTIL, written
from tests.support.patience import PATIENCE
from tests.support.seeding import dialing, numbers

ANN, BOB = (parse(one) for one in numbers(2))


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("as_written", ["+14155550100", "(415) 555-0100", "1 415 555 0100", "tel:+1-415-555-0100,,"])
def test_a_rejected_row_keeps_its_line_and_its_code(ledger, clock, tmp_path, as_written):
    file = written(tmp_path, f'"{as_written}",Ann of Elm Street,Nowhere/Town,', f"{BOB.e164},Bob,Nowhere/Town,")
    rejects = check(file, ACCOUNTS).write_rejects(tmp_path / "reports")
    erase(ledger, ANN, who="ann", now=clock())
    traces = erase_files(ledger, ANN, tmp_path / "reports")
    assert (traces.rewritten, traces.left, traces.elsewhere) == ([rejects], [], [])
    ann, bob = rows(rejects)
    assert {name: cell for name, cell in ann.items() if cell} == {
        "_line": "2",
        "_column": ann["_column"],
        "_code": ann["_code"],
        "_reason": "erased",
    }
    assert (bob["phone"], bob["name"], bob["_line"], bob["_code"]) == (BOB.e164, "Bob", "3", "bad_zone")
    assert erase_files(ledger, ANN, tmp_path / "reports").rewritten == []
    assert [one.name for one in (tmp_path / "reports").iterdir()] == ["reminders-rejects.csv"]


def test_a_campaigns_rejects_are_found_wherever_they_were_written(ledger, clock, tmp_path):
    file = written(tmp_path, f"{ANN.e164},Ann,Nowhere/Town,", f"{BOB.e164},Bob,,{UNTIL}")
    folder = tmp_path / "then"
    started = launch(ledger, check(file, ACCOUNTS), rejects_folder=folder, who="ann", now=clock())
    erase(ledger, ANN, who="ann", now=clock())
    traces = erase_files(ledger, ANN, tmp_path / "now")
    assert traces.rewritten == [folder / f"{started.id}-rejects.csv"]
    with ledger.writing() as db:
        db.execute(update(campaigns).values(rejects_file="/other/machine/reminders-1-rejects.csv"))
    traces = erase_files(ledger, ANN, tmp_path / "now")
    assert traces.elsewhere == [Path("/other/machine/reminders-1-rejects.csv")]


def test_reports_are_written_anew(ledger, clock, tmp_path):
    for one in dialing(ledger, [ANN.e164, BOB.e164], now=clock()):
        ledger.write(conclude, one, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())
    made = report(ledger, "reminders-1", tmp_path)
    assert ANN.e164 in made.follow_up_file.read_text("utf-8")
    erase(ledger, ANN, who="ann", now=clock())
    traces = erase_files(ledger, ANN, tmp_path)
    assert sorted(traces.rewritten) == sorted([made.attempts_file, made.contacts_file, made.follow_up_file])
    (left,) = rows(made.follow_up_file)
    assert left["phone"] == BOB.e164
    assert not any(ANN.masked in file.read_text("utf-8") for file in traces.rewritten)


@pytest.mark.slow
def test_a_report_that_is_being_written_brings_nobody_back(ledger, clock, tmp_path):
    """It read the ledger before the erasure, and would end after it: the erasure waits for it."""
    for one in dialing(ledger, [ANN.e164, BOB.e164], now=clock()):
        ledger.write(conclude, one, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())
    follow_up = report(ledger, "reminders-1", tmp_path).follow_up_file
    begun, go_on = threading.Event(), threading.Event()
    reporting = threading.Thread(target=report, args=(ledger, "reminders-1", tmp_path))
    removing = threading.Thread(target=erase_files, args=(ledger, ANN, tmp_path))

    def hold(_connection, _cursor, statement, *_) -> None:
        if threading.current_thread() is reporting and "FROM contacts LEFT OUTER JOIN attempts" in statement:
            begun.set()
            go_on.wait(PATIENCE)

    event.listen(ledger.engine, "after_cursor_execute", hold)
    reporting.start()
    assert begun.wait(PATIENCE)
    erase(ledger, ANN, who="ann", now=clock())
    removing.start()
    removing.join(1)
    go_on.set()
    for thread in (reporting, removing):
        thread.join(PATIENCE)
    event.remove(ledger.engine, "after_cursor_execute", hold)
    assert ANN.e164 not in follow_up.read_text("utf-8")


def test_a_report_that_comes_between_the_calls_end_and_the_sweep_names_nobody_who_is_being_erased(
    ledger, clock, tmp_path
):
    ann, bob = dialing(ledger, [ANN.e164, BOB.e164], now=clock())
    erase(ledger, ANN, who="ann", now=clock())
    for one in (ann, bob):
        ledger.write(conclude, one, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())
    (left,) = rows(report(ledger, "reminders-1", tmp_path).follow_up_file)
    assert left["phone"] == BOB.e164


def test_what_a_killed_erasure_was_writing_goes_with_the_next(ledger, clock, tmp_path):
    (half := tmp_path / ".reminders-rejects.csv.part").write_text(f"{ANN.e164}\n")
    assert erase_files(ledger, ANN, tmp_path).left == []
    assert not half.exists()


def test_a_file_that_is_not_ours_is_named_and_left_as_it_is(ledger, clock, tmp_path):
    theirs = tmp_path / "my-rejects.csv"
    theirs.write_text(f"phone\n{ANN.e164}\n")
    erase(ledger, ANN, who="ann", now=clock())
    assert erase_files(ledger, ANN, tmp_path).left == [theirs]
    assert ANN.e164 in theirs.read_text()


def test_a_fetched_list_that_names_the_number_is_named(ledger, clock, tmp_path):
    file = written(tmp_path, f"{BOB.e164},Bob,,")
    fetched = tmp_path / ".reminders-list.csv"
    fetched.write_text(f"phone,name\n{ANN.e164},Ann\n")
    scheduled(ledger, file, clock())
    assert erase_files(ledger, ANN, tmp_path / "reports").left == [fetched]
    assert erase_files(ledger, parse(numbers(3)[2]), tmp_path / "reports").left == []


def scheduled(ledger, file, now) -> None:
    with ledger.writing() as db:
        facts = {"last_said": "", "state": "idle", "added_by": "ann", "added_at": now}
        db.execute(insert(schedules).values(name="reminders", file=str(file), **facts))


def test_a_fetched_workbook_is_looked_through_sheet_by_sheet(ledger, clock, tmp_path):
    scheduled(ledger, written(tmp_path, f"{BOB.e164},Bob,,"), clock())
    book = Workbook()
    book.create_sheet("People").append([ANN.e164])
    book.save(fetched := tmp_path / ".reminders-list.xlsx")
    assert erase_files(ledger, ANN, tmp_path / "reports").left == [fetched]
    assert erase_files(ledger, BOB, tmp_path / "reports").left == []


def test_a_fetched_list_that_cannot_be_read_is_named_also_where_its_campaign_file_is_gone(ledger, clock, tmp_path):
    scheduled(ledger, file := written(tmp_path, f"{BOB.e164},Bob,,"), clock())
    (fetched := tmp_path / ".reminders-list.xlsx").write_bytes(b"PK\x03\x04, and no more: the disk was full")
    assert erase_files(ledger, ANN, tmp_path / "reports").left == [fetched]
    file.unlink()
    assert erase_files(ledger, ANN, tmp_path / "reports").left == [fetched]


@pytest.mark.slow
def test_erasures_at_once_bring_nobody_back(ledger, clock, tmp_path):
    people = [parse(one) for one in numbers(4)]
    file = written(tmp_path, *(f"{one.e164},Ann,Nowhere/Town," for one in [*people] * 300))
    rejects = check(file, ACCOUNTS).write_rejects(tmp_path / "reports")
    with ThreadPoolExecutor(len(people)) as threads:
        done = list(threads.map(lambda one: erase_files(ledger, one, tmp_path / "reports"), people))
    assert [(one.rewritten, one.left) for one in done] == [([rejects], [])] * len(people)
    assert not {row["phone"] for row in rows(rejects)} & {one.e164 for one in people}


def test_a_list_that_brings_an_erased_number_back_leaves_nothing_of_its_row(ledger, clock, tmp_path):
    erase(ledger, ANN, who="ann", now=clock())
    file = written(tmp_path, f"{ANN.e164},Ann of Elm Street,,{UNTIL}", f"{BOB.e164},Bob,,{UNTIL}")
    one = check(file, ACCOUNTS, exclusions_for=lambda definition: Exclusions(ledger, definition, clock()))
    assert (one.bad_rows, one.summary.on_dnc, one.summary.will_dial) == (0, 1, 1)
    (left_out,) = rows(one.write_rejects(tmp_path))
    assert (left_out["phone"], left_out["name"], left_out["_line"], left_out["_code"]) == ("", "", "2", "erased")
