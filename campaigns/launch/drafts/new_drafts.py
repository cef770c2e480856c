"""Makes drafts in files: from a definition and a list that came as a file or as rows."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import yaml

from campaigns.audience.given_rows import cell_text
from campaigns.audience.kept_lists import DRAFTS, LIST
from campaigns.definition import Definition, load_definition
from campaigns.launch.clone import definition_yaml
from campaigns.launch.drafts.file_drafts import (
    CAMPAIGN_FILE,
    FileDraft,
    find_any,
    new_token,
    paths_left_out,
    remove_old_drafts,
    with_token,
    write_about,
)
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from dialer.errors import DialerError
from dialer.whole_file import whole_file

SUFFIXES = (".csv", ".xlsx", ".tsv", ".txt")

Cell = str | int | float | bool | None
PutList = Callable[[Path], object]
"""Writes the list into the file that it is given."""


class NoList(DialerError):
    """A campaign is created with its list, and there is none."""


def create(
    ledger: Ledger,
    data_folder: Path,
    definition: str,
    put_list: PutList | None,
    *,
    list_name: str = "list.csv",
    who: str,
    now: datetime,
) -> FileDraft:
    """Keep a definition (YAML) and its list, whatever file the definition names. Drafts a week old are removed.

    A standing campaign has no list. Raises NoList, and DefinitionFaults with lines and columns of the text.
    """
    kept_name = kept_list_name(list_name)

    def fill(folder: Path) -> Mapping[str, Any]:
        with paths_left_out(folder):
            campaign = _kept_definition(folder, definition, kept_name if put_list else None)
        if put_list is not None:
            put_list(new_file(folder / kept_name))
        return about_campaign(campaign)

    return keep(ledger, data_folder, fill, who=who, now=now)


def kept_list_name(list_name: str) -> str:
    """The name of the file in which a list of this name is kept."""
    suffix = Path(list_name).suffix.lower()
    return LIST + (suffix if suffix in SUFFIXES else ".csv")


def about_campaign(definition: Definition) -> Mapping[str, Any]:
    """What is noted of a draft beside its definition."""
    return {"name": definition.campaign, "account": definition.account}


def keep(
    ledger: Ledger,
    data_folder: Path,
    fill: Callable[[Path], Mapping[str, Any]],
    *,
    token: str | None = None,
    event: str | None = "campaign created",
    who: str,
    now: datetime,
) -> FileDraft:
    """Keep a draft: `fill` writes its files into a folder, and returns what is noted of it beside them.

    The draft exists once it is whole; what `fill` raises leaves nothing. `event` is what the audit says.

    `token` is from `new_token`: whoever asks twice with the same gets the draft that there is.
    """
    drafts = data_folder / DRAFTS
    drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_old_drafts(data_folder, now)
    token = token or new_token()
    if kept := with_token(data_folder, token):
        return kept
    folder = drafts / f".{new_token()}"
    folder.mkdir(mode=0o700)
    try:
        about = fill(folder)
        draft_id = f"{about['name']}.{token}"
        write_about(folder, {**about, "created_by": who, "created_at": now.isoformat()})
        try:
            folder.rename(drafts / draft_id)
        except OSError:
            if kept := with_token(data_folder, token):  # it was asked for twice at once
                shutil.rmtree(folder)
                return kept
            raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if event is not None:
        ledger.write(write_audit, now, who=who, event=event, detail=draft_id)
    return find_any(data_folder, draft_id)


def yaml_of(definition: Mapping[str, object]) -> str:
    """A definition that came as JSON, as the text of a campaign file."""
    return yaml.safe_dump(definition, allow_unicode=True, sort_keys=False)


def rows_as_csv(rows: Sequence[Mapping[str, Cell]]) -> PutList | None:
    """Rows that came as JSON, as a list, blank where a row lacks a column; None where there are none."""
    if not any(rows):
        return None

    def put(file: Path) -> None:
        with file.open("w", encoding="utf-8", newline="") as stream:
            write_rows(rows, stream)

    return put


def write_rows(rows: Sequence[Mapping[str, Cell]], stream: TextIO) -> None:
    """Write rows that came as JSON into a text, as CSV."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([_written(row.get(name)) for name in columns] for row in rows)


def new_file(file: Path) -> Path:
    """A new, empty file that its owner alone may read. Raises OSError: it is there already."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return file


def _kept_definition(folder: Path, text: str, list_name: str | None) -> Definition:
    """The definition as it is kept: normal, and with our list. Its faults have the places of the text that came."""
    file = folder / CAMPAIGN_FILE
    with whole_file(file) as stream:
        stream.write(text)
    definition = load_definition(file, list_file=list_name)
    if list_name is None and not definition.contacts.standing:
        raise NoList("there are no contacts", "send rows as `contacts`, or upload a file as `list`")
    with whole_file(file) as stream:
        stream.write(definition_yaml(definition))
    return definition


def _written(cell: Cell) -> str:
    """As rows that are short are read; what no cell can have stays so, and rejects its row."""
    text = cell_text(cell)
    return "\0" if text is None else text
