"""Every `dialer …` line that a document shows is run as it stands, in a folder such as the README asks for."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from scripts.examples_page import PLANNED_AT
from tests.docs.test_docs import DOCUMENTS, README, ROOT, blocks
from tests.support.dialers import wait_for
from tests.support.shell import DIALER, Shell
from workers.stack.info import running_stack

IN_ORDER = (
    *("doctor", "ledger upgrade", "ledger verify", "ledger copy copy.sqlite3", "accounts", "check first.yaml"),
    *("preview first.yaml --row 2", "plan first.yaml", "rehearse first.yaml"),
    *("rehearse first.yaml --at 2035-03-12T09:00+00:00", "start first.yaml", "watch first", "run first.yaml"),
    *("init appointments.yaml", "check appointments.yaml", "preview appointments.yaml --row 7"),
    "rehearse appointments.yaml",
    *("start appointments.yaml", "pause appointments", "resume appointments"),
    *("watch appointments", "report appointments", "redial appointments --outcome no_answer,busy"),
    *("report appointments --list clinic.xlsx", "report appointments first --list both.csv --numbers"),
    "report first --since 2026-11-01 --list november.xlsx",
    *("cancel appointments", "clone appointments-1 next.yaml --name next"),
    "test-call appointments.yaml +12125550199 --row 7",
    *("tokens create clinic --scopes read,campaigns,campaigns:send", "tokens list", "tokens revoke clinic"),
    *("users add ann --role editor --role sender", "users list", "users roles ann --role viewer"),
    *("users password ann", "users disable ann", "users enable ann"),
    *("start reminders.yaml", "pause reminders", "contact append reminders today.csv"),
    "contact change reminders --key A-17 --set at=2035-03-14T16:30",
    "contact withdraw reminders --key A-18 --reason 'cancelled by the patient'",
    *("contact show reminders --key A-17", "close reminders"),
    *("start now.yaml", "tokens create scheduler --scopes calls", "tokens create prometheus --scopes metrics"),
    *("audit verify", "retention plan", "retention run --yes", "export-person +14155550101 --output person.txt"),
    "ledger archive --before 2026-01-01 --to archive",
)
OURS = {"watch appointments", "pause reminders"}  # what the others need, and no document shows
NOT_RUN = {
    "webhooks add crm https://crm.example.org/hooks/dialer": "events would leave this machine; see test_webhooks.py",
    "webhooks test crm": "so would this one",
    "accounts --watch": "it goes on until Ctrl-C; see test_accounts.py and test_screen.py",
    **{f"plan {name}.yaml --at {at}": "tests/docs/test_pages.py compares it" for name, at in PLANNED_AT.items()},
    "ledger restore copy.sqlite3": "nothing may use the ledger; see test_ledger.py",
}
NUMBERS = ("4155550101", "4155550102", "4155550111", "4155550112", "2125550111", "2125550112")  # four do not answer
CAPTURED = {"capture_output": True, "text": True, "timeout": 60, "check": False}
PASSWORD = "four words make one"
LIST = "phone,name\n" + "".join(f"+1{number},Ann\n" for number in NUMBERS)
OFTEN = 'base_url = "http://127.0.0.1:9"\npoll_seconds = 0.2\n'  # nowhere but to the sandbox, whose clock runs fast
LONG = "Please come ten minutes early, and bring your papers. " * 5  # no look can miss who hears it
PACE = "pace: 0.3  # slow enough for a word with it on its way, and no retries half an hour later\n"


def documented() -> set[str]:
    """Every line, without its remark."""
    lines = [line for one in DOCUMENTS for line in re.findall(r"^\$ dialer (.*)$", one.read_text(), re.M)]
    return {shlex.join(shlex.split(line, comments=True)) for line in lines}


@pytest.fixture(scope="module")
def shell(tmp_path_factory) -> Iterator[Shell]:
    """The README's folder: its settings, its campaign and its list, with `dialer up --sandbox` in another terminal."""
    (settings,), (campaign,), (contacts,) = blocks("toml"), blocks("yaml"), blocks("csv")
    shell = Shell(tmp_path_factory.mktemp("documented"))
    shell.write("dialer.toml", 'test_numbers = ["+12125550199"]\n' + settings + OFTEN)
    shell.write("first.yaml", campaign)
    shell.write("first.csv", contacts)
    shell.write("contacts.csv", LIST)
    shell.write("now.yaml", re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "one-reminder.md").read_text(), re.S)[0])
    in_motion = (ROOT / "docs" / "contacts-in-motion.md").read_text()
    shell.write("reminders.yaml", in_motion.split("```yaml\n")[1].split("```")[0])
    shell.write("today.csv", in_motion.split("```csv\n")[1].split("```")[0])
    up = shell.begin("up", "--sandbox", "--speed", "10")
    try:
        wait_for(lambda: running_stack(shell.folder / ".dialer") is not None, seconds=120)
        wait_for(lambda: shell.run("doctor").code == 0, seconds=120, every=1)  # every program of it has shown itself
        yield shell
    finally:
        shell.end(up)


def test_every_line_is_run_here_or_told_why_not():
    assert documented() == {*IN_ORDER, *NOT_RUN} - OURS
    assert "dialer up --sandbox" in README


@pytest.mark.timeout(600)  # some twenty commands, each started anew, and two campaigns to their end
def test_the_lines_of_the_documents_do_what_they_say(shell):
    for line in IN_ORDER:
        given = f"{PASSWORD}\n" if line.startswith("users") else "\n" * 20  # what is proposed, where it asks
        ran = shell.run(*shlex.split(line), given=given, timeout=120)
        assert ran.code == 0, (line, ran.out, ran.err)
        if line.startswith("init"):
            file = shell.folder / "appointments.yaml"
            file.write_text(file.read_text().split("retry:")[0].replace("Goodbye", LONG) + PACE)


def test_a_doctor_who_finds_nothing_needs_one_screen(shell):
    code, lines = shell.run_on_terminal("doctor")
    assert code == 0, lines
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    subjects = {line[6:20].strip() for line in lines}
    assert {"settings", "Redis", "ledger", "account main", "console", "Flower", "beat, worker", "clocks"} <= subjects


@pytest.fixture(scope="module")
def api_pages(shell) -> str:
    """The pages of the API, with the port of this console."""
    info = running_stack(shell.folder / ".dialer")
    assert info is not None
    text = "".join((ROOT / "docs" / page).read_text("utf-8") for page in ("api.md", "one-reminder.md"))
    return text.replace("http://127.0.0.1:8080", info.urls["console"])


def test_the_requests_by_hand_that_the_page_of_the_api_shows_are_answered(shell, api_pages):
    """With the campaigns that the lines before have run."""
    shown = [text for text in re.findall(r"```console\n(.*?)```", api_pages, re.DOTALL) if "curl" in text]
    replies = []
    for text in shown:
        lines = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        script = "\n".join([f'dialer() {{ "{DIALER}" "$@"; }}', *lines])
        ran = subprocess.run(["/bin/bash", "-ec", script], cwd=shell.folder, env=shell.environ({}), **CAPTURED)
        assert ran.returncode == 0, ran.stderr
        replies.append(json.loads(ran.stdout))
    assert [reply.get("campaign") or reply.get("name") for reply in replies] == ["first-2", "first"]


def test_the_programs_that_the_pages_show_run(shell, api_pages):
    scopes = "read,campaigns,campaigns:send,calls"
    token = shell.run("tokens", "create", "python", "--scopes", scopes, "--json").json["token"]
    for text in re.findall(r"```python\n(.*?)```", api_pages, re.DOTALL):
        script = f"token = {token!r}\n{text}"
        ran = subprocess.run([sys.executable, "-c", script], cwd=shell.folder, env=shell.environ({}), **CAPTURED)
        assert (ran.returncode, bool(ran.stdout)) == (0, True), ran.stderr
