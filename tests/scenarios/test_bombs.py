"""A small file that asks for much work ends soon, in little memory, with an error that names it."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.campaigns.audience.files.test_download import bomb, served
from tests.support import preloaded
from tests.support.forking import environ
from tests.support.patience import PATIENCE
from tests.support.raw_workbooks import HEADER, raw_workbook, text_cell
from tests.support.shell import CAMPAIGN, Shell

SECONDS, KILOBYTES = 10, 200_000


def workbook_bomb(folder: Path) -> str:
    """A sheet of 3 GB in 3 MB."""
    (folder / "first.csv").write_bytes(raw_workbook(HEADER + f"<row r='2'>{text_cell('A2', '+14155550101')}</row>"))
    with zipfile.ZipFile(folder / "first.csv", "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        sheet = next(info.filename for info in archive.infolist() if "sheet1" in info.filename)
    parts = {}
    with zipfile.ZipFile(folder / "first.csv") as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(folder / "first.csv", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            if name != sheet:
                archive.writestr(name, content)
        with archive.open(sheet, "w", force_zip64=True) as stream:
            stream.write(parts[sheet].partition(b"</sheetData>")[0])
            for _ in range(600):
                stream.write(b"<row/>" * 100_000)
    return CAMPAIGN


def long_line(folder: Path) -> str:
    with (folder / "first.csv").open("wb") as stream:
        stream.truncate(400 << 20)
    return CAMPAIGN


def pipe(folder: Path) -> str:
    (folder / "first.csv").unlink()
    os.mkfifo(folder / "first.csv")
    return CAMPAIGN


def device(_folder: Path) -> str:
    return CAMPAIGN.replace("first.csv", "/dev/zero")


def template(_folder: Path) -> str:
    return CAMPAIGN.replace("Hello {{ name }}", "{{ 'a' * 10**9 }}")


def many_keys(_folder: Path) -> str:
    return CAMPAIGN + "".join(f"key{number}: 1\n" for number in range(200_000))


def deep(_folder: Path) -> str:
    return CAMPAIGN + "pace: " + "[" * 60_000 + "\n"


def aliases(_folder: Path) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return CAMPAIGN + "\n".join(lines) + "\n"


BOMBS = {
    workbook_bomb: "unpacks from",
    long_line: "a line has more than",
    pipe: "a named pipe",
    device: "a device",
    template: "** is not calculated",
    many_keys: "more than 131,072 bytes",
    deep: "nested too deep",
    aliases: "aliases",
}


MEASURED = """
import json, resource, sys
from pathlib import Path
from console.cli import main
begun, code = resource.getrusage(resource.RUSAGE_SELF), 0
sys.argv = ["dialer", "check", "first.yaml"]
try:
    main()
except SystemExit as ended:
    code = ended.code
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime
Path("measured").write_text(json.dumps([code, seconds, used.ru_maxrss - begun.ru_maxrss]))
"""


def check(folder: Path) -> tuple[int, str, float, int]:
    """Exit code, output, seconds of processor and kilobytes of `dialer check`, beyond what the program itself takes."""
    _, out, err = preloaded.run((MEASURED,), cwd=folder, env=environ({}), timeout=PATIENCE, program=(preloaded.TEXT,))
    code, seconds, kilobytes = json.loads((folder / "measured").read_text())
    return code, out + err, seconds, kilobytes


@pytest.mark.slow
@pytest.mark.parametrize("bomb_file", BOMBS, ids=lambda each: each.__name__)
def test_each_bomb_ends_soon_in_little_memory_and_is_named(tmp_path, bomb_file):
    shell = Shell.prepared(tmp_path)
    shell.write("first.yaml", bomb_file(tmp_path))
    code, said, seconds, kilobytes = check(tmp_path)
    assert (code, BOMBS[bomb_file] in said) == (1, True), said[:500]
    assert "Traceback" not in said
    assert seconds < SECONDS
    assert kilobytes < KILOBYTES


def test_a_packed_list_from_the_web_is_no_bomb_either(tmp_path):
    with served(bomb(200), headers={"Content-Encoding": "gzip"}) as (url, _):
        Shell.prepared(tmp_path).write("first.yaml", CAMPAIGN.replace("first.csv", f"{url}/first.csv"))
        code, said, seconds, kilobytes = check(tmp_path)
    assert (code, "it unpacks from" in said) == (1, True), said[:500]
    assert seconds < SECONDS
    assert kilobytes < KILOBYTES
