"""A file that is no workbook is named, and one that would fill the machine is refused before it does."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

import pytest

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.workbook.strings import MAX_TEXT_BYTES
from tests.support.campaign_files import GOOD
from tests.support.raw_workbooks import HEADER, TRANSITIONAL, raw_workbook, text_cell

CONTACT = f"<row r='2'>{text_cell('A2', GOOD)}{text_cell('B2', 'Ann')}</row>"
LIMITED = """
import re, sys, time
from pathlib import Path
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
try:
    print(sum(1 for _ in open_table(Path(sys.argv[1])).rows()))
except BadContactsFile as exc:
    print(exc)
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
print(time.process_time())
"""


def archive(**parts: bytes | str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def read(folder: Path, content: bytes) -> tuple[str, int, float]:
    """What reading gives, in a process of its own; its peak memory in MB, and the seconds it computed."""
    file = folder / "list.xlsx"
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(file)], check=True, capture_output=True, text=True, cwd=Path.cwd()
    )
    told, megabytes, seconds = done.stdout.splitlines()
    return told, int(megabytes), float(seconds)


def claiming(content: bytes, part: str, size: int) -> bytes:
    """The archive with another unpacked size for a part, in its directory and before the part."""
    changed = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        info = opened.getinfo(part)
    directory = content.index(part.encode(), content.index(b"PK\x01\x02")) - 46
    struct.pack_into("<I", changed, directory + 24, size)
    struct.pack_into("<I", changed, info.header_offset + 22, size)
    return bytes(changed)


def sheet_of(*rows: Iterable[str]) -> bytes:
    """A workbook whose rows are written a piece at a time."""
    start, end = f"<worksheet xmlns='{TRANSITIONAL}'><sheetData>", "</sheetData></worksheet>"
    return raw_workbook("", formats=["0"], others={"xl/worksheets/sheet1.xml": chain([start], *rows, [end])})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet", content_xml="<x/>"), ".ods"),
        (archive(mimetype="application/vnd.oasis.opendocument.text", content_xml="<x/>"), "OpenDocument text"),
        (archive(Index__Document_iwa="", **{"Index/Document.iwa": "x"}), ".numbers"),
        (archive(**{"Index.zip": "x", "preview.jpg": "x"}), "Numbers"),
        (archive(**{"xl/workbook.bin": "x", "[Content_Types].xml": "<x/>", "_rels/.rels": "<x/>"}), ".xlsb"),
        (archive(**{"word/document.xml": "x", "_rels/.rels": "<x/>"}), ".docx"),
        (archive(**{"contacts.csv": "phone\n"}), "zip archive, and no workbook: it holds contacts.csv"),
        (archive(), "it holds nothing"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "XLS"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\n<html><body><table><tr><td>phone</td></tr></table></body></html>", "web page or XML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "web page or XML"),
    ],
)
def test_a_file_of_another_kind_is_named_with_what_to_do(tmp_path, content, named):
    (tmp_path / "list.xlsx").write_bytes(content)
    with pytest.raises(BadContactsFile, match=r"list\.xlsx: ") as refused:
        open_table(tmp_path / "list.xlsx")
    assert named in str(refused.value)
    assert "CSV" in refused.value.remedy or "unpack it" in refused.value.remedy


def test_a_workbook_without_one_of_its_parts_is_named(tmp_path):
    whole = raw_workbook(HEADER)
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(made, "w") as target:
            for name in source.namelist():
                if name != part:
                    target.writestr(name, source.read(name))
        (tmp_path / "list.xlsx").write_bytes(made.getvalue())
        with pytest.raises(BadContactsFile, match=f"has no {part}"):
            open_table(tmp_path / "list.xlsx")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"]
)
def test_a_document_type_is_refused_in_every_part(tmp_path, doctype, part):
    content = raw_workbook(HEADER + CONTACT, others={part: f"{doctype}<x xmlns='{TRANSITIONAL}'/>"})
    (tmp_path / "list.xlsx").write_bytes(content)
    with pytest.raises(BadContactsFile, match="declares a document type"):
        list(open_table(tmp_path / "list.xlsx").rows())


@pytest.mark.slow
def test_a_million_empty_rows_with_formats_are_read_in_bounds(tmp_path):
    def empty(first: int, last: int) -> Iterable[str]:
        row = "<row r='{0}' s='1' customFormat='1'><c r='A{0}' s='1'/></row>"
        return ("".join(map(row.format, range(n, min(n + 10_000, last)))) for n in range(first, last, 10_000))

    # Rows before the first that is not empty are read twice: to find it, and again with all others.
    rows = [f"<row r='{n}'>{text_cell(f'A{n}', text)}</row>" for n, text in ((50_000, "phone"), (50_001, GOOD))]
    told, megabytes, seconds = read(tmp_path, sheet_of(empty(1, 50_000), rows, empty(50_002, 1_048_577)))
    assert (told, megabytes < 150, seconds < 60) == ("1", True, True)


@pytest.mark.parametrize(
    "part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "_rels/.rels"]
)
def test_a_part_that_claims_to_unpack_to_too_much_is_refused_before_it_is(tmp_path, part):
    padding = repeat(" " * (1 << 20), 100)
    told, megabytes, _ = read(tmp_path, raw_workbook(HEADER + CONTACT, others={part: padding}))
    assert f"{part} unpacks from" in told
    assert megabytes < 150


def test_a_part_that_unpacks_to_more_than_it_claims_is_refused(tmp_path):
    texts = chain([f"<sst xmlns='{TRANSITIONAL}'><si><t>"], repeat("x" * (1 << 20), 100), ["</t></si></sst>"])
    content = raw_workbook(HEADER + CONTACT, others={"xl/sharedStrings.xml": texts})
    told, megabytes, _ = read(tmp_path, claiming(content, "xl/sharedStrings.xml", 5000))
    assert "cannot be read" in told
    assert megabytes < 150


@pytest.mark.slow
def test_more_text_than_a_list_needs_is_refused(tmp_path):
    texts = (f"<si><t>{n:09}{'x' * 300}{n * 7919 % 1000003}</t></si>" for n in range(MAX_TEXT_BYTES // 300))
    part = chain([f"<sst xmlns='{TRANSITIONAL}'>"], texts, ["</sst>"])
    told, megabytes, _ = read(tmp_path, raw_workbook(HEADER + CONTACT, others={"xl/sharedStrings.xml": part}))
    assert "its texts are longer than 128 MB" in told
    assert megabytes < 300


def test_a_text_longer_than_a_cell_can_hold_is_refused(tmp_path):
    told, megabytes, _ = read(tmp_path, raw_workbook(HEADER + CONTACT, strings=["x" * 40_000]))
    assert "a cell has 40,000 characters" in told
    assert megabytes < 150
