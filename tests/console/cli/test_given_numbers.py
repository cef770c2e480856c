"""Numbers come from standard input or a file where they shall not stand in the list of processes."""

from __future__ import annotations

import pytest

from tests.support.shell import DIALER, Shell

NUMBERS = "+12125550101\n\n +1 (212) 555-0102 \n"
MASKED = ["+1212*****01", "+1212*****02"]


@pytest.fixture
def shell(tmp_path):
    return Shell.prepared(tmp_path)


def test_numbers_on_standard_input_are_added_looked_up_listed_exported_removed_and_erased(shell):
    added = shell.run("dnc", "add", "-", "--json", given=NUMBERS).json
    assert added == [{"number": masked, "added": True} for masked in MASKED]
    assert [line["lines"][0]["holds"] for line in shell.run("dnc", "why", "-", "--json", given=NUMBERS).json] == [
        True,
        True,
    ]
    shown = shell.run("dnc", "list")
    assert (shown.code, [masked in shown.out for masked in MASKED]) == (0, [True, True])
    assert "+12125550101" not in shown.out
    exported = shell.run("dnc", "export", "-")
    assert exported.out.splitlines()[0] == '"phone","account","reason","source","added_at","expires_at"'
    assert [line.split(",")[0] for line in exported.out.splitlines()[1:]] == ['"+12125550101"', '"+12125550102"']
    assert shell.run("dnc", "remove", "-", given="+12125550101\n").code == 0
    erased = shell.run("erase", "-", given=NUMBERS)
    assert (erased.code, [masked in erased.out for masked in MASKED]) == (0, [True, True])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_numbers_of_a_file_are_added_and_those_of_a_country_are_understood(shell, encoding):
    shell.folder.joinpath("them.txt").write_bytes("+12125550101\r\n2125550102\r\n".encode(encoding))
    assert shell.run("dnc", "add", "@them.txt", "--country", "US").code == 0
    assert shell.run("dnc", "list", "--json").json["lines"] == 2
    assert shell.run("dnc", "list", "--json", "--limit", "1").json["newest"][0]["number"] == MASKED[1]


@pytest.mark.parametrize(
    ("arguments", "given", "named"),
    [
        (("dnc", "add", "-"), "+12125550101\nhello\n12\n", ["line 2", "line 3", "nothing was done"]),
        (("dnc", "add", "-"), "", ["no number was given"]),
        (("dnc", "add", "@nowhere.txt"), "", ["nowhere.txt", "No such file"]),
        (("erase", "@."), "", ["this is a folder"]),
        (("erase", "@/dev/zero"), "", ["this is a device"]),
        (("dnc", "why", "@/proc/self/environ"), "", ["a view into the system"]),
        (("dnc", "add", "-"), "+12125550101\n" * 2_000_000, ["standard input has more than 16,777,216 bytes"]),
        (("explain", "first", "-"), NUMBERS, ["2 numbers", "give one"]),
        (("dnc", "export", "-", "--json"), "", ["--json"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_no_number_is_named_by_its_line_and_nothing_is_done(shell, arguments, given, named):
    done = shell.run(*arguments, given=given)
    said = done.out + done.err
    assert (done.code, [word for word in named if word not in said]) == (1, [])
    assert shell.run("dnc", "list", "--json").json == {"lines": 0, "newest": []}


def test_an_exported_list_is_whole_whatever_the_terminals_encoding(shell):
    shell.run("dnc", "add", "+12125550101", "--reason", "просил")
    assert "просил" in shell.run("dnc", "export", "-", PYTHONIOENCODING="ascii").out


def test_who_stops_reading_sees_no_traceback(shell):
    shell.run("dnc", "add", "-", given="".join(f"+1212555{number:04}\n" for number in range(100, 200)))
    done = shell.typed(f"for _ in 1 2 3; do dialer dnc list; done | head -1; {DIALER} dnc export - | true")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
