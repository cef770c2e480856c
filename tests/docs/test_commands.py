"""Every command and every block of code in the documents is run by a test, or stands here with the reason why not.

The lists below are exact, so that they only shrink: what a document no longer shows has to go from here too.
Lines that begin with `dialer` are run by tests/console/cli/test_documented.py; campaign files by test_snippets.py.
"""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.test_docs import DOCUMENTS, ROOT
from workers.settings import Settings

DOCUMENTED = (
    "tests/console/cli/test_documented.py::test_the_requests_by_hand_that_the_page_of_the_api_shows_are_answered"
)
PROGRAMS = "tests/console/cli/test_documented.py::test_the_programs_that_the_pages_show_run"
UPGRADE = "tests/campaigns/ledger/test_upgrade.py::test_a_copy_of_before_the_upgrade_puts_the_ledger_back_as_it_was"
RELEASE = "scripts/release_check.py::main"
COMPOSE = "tests/workers/stack/test_programs.py"
COMMANDS = {
    "TOKEN=$(dialer tokens create hand --scopes campaigns,campaigns:send,read)": DOCUMENTED,
    "TOKEN=$(dialer tokens create reader --scopes read)": DOCUMENTED,
    'curl -sS -H "Authorization: Bearer $TOKEN" -F definition=@first.yaml -F list=@first.csv '
    "http://127.0.0.1:8080/api/v1/campaigns/upload": DOCUMENTED,
    'curl -sS -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/campaigns/first': DOCUMENTED,
    "pg_dump --format=custom --file=copy.dump postgresql://dialer@db.example/dialer": UPGRADE,
    "pg_restore --clean --create --if-exists --exit-on-error "
    "--dbname=postgresql://dialer@db.example/postgres copy.dump": UPGRADE,
    'export PATH="$PWD/.venv/bin:$PATH"': "it changes the shell that it is typed into",
    "pip install 'campaign-dialer[otel]'": "from an index that tests do not ask",
    "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318": "it changes the shell that it is typed into",
    "make demo": "it installs first; the demo itself: tests/console/cli/commands/test_demo.py",
    "make test": "it is what runs this",
    "make wheel": "tests/deploy/test_release.py::test_every_file_of_the_packages_is_in_the_wheel_and_in_the_sdist",
    'pipx install --pip-args="--constraint $PWD/dist/constraints.txt" dist/campaign_dialer-*.whl': RELEASE,
    'pipx install --pip-args="--constraint $PWD/constraints.txt" ./campaign_dialer-0.2.0-py3-none-any.whl': RELEASE,
    "python3 -m venv dialer": RELEASE,
    "dialer/bin/pip install --constraint constraints.txt ./campaign_dialer-0.2.0-py3-none-any.whl": RELEASE,
    "make chaos": "an hour; a part of it: tests/chaos",
    'make chaos ARGS="--store sqlite --contacts 300 --faults 20 --seed 7"': "minutes; a part of it: tests/chaos",
    'make chaos ARGS="--store sqlite --contacts 900 --seconds 240 --seed 8 --record"': "minutes, too",
    "celery -q -A workers.app worker --pool threads -n worker1@%h": "as `dialer up` starts it: tests/workers/stack",
    "celery -q -A workers.app beat": "as `dialer up` starts it: tests/workers/stack",
    "python -m console.web": "as `dialer up` starts it: tests/workers/stack",
    "celery -q -A workers.app flower": "as `dialer up` starts it: tests/workers/stack",
}
BLOCKS = {
    ("README.md", "csv"): "tests/docs/test_docs.py::test_the_list_of_the_readme_is_the_example_that_ships",
    ("contacts-in-motion.md", "csv"): "tests/console/cli/test_documented.py::shell",
    ("CONTRIBUTING.md", "text"): "tests/docs/test_map.py::drawn",
    (
        "adding-a-provider.md",
        "python",
    ): "tests/docs/test_pages.py::test_a_page_made_from_the_code_is_the_one_that_is_kept",
    ("api.md", "python"): PROGRAMS,
    ("one-reminder.md", "python"): PROGRAMS,
    ("library.md", "python"): "tests/docs/test_library_page.py::test_the_snippet_runs_as_it_stands",
    (
        "webhooks.md",
        "python",
    ): "tests/docs/test_webhooks_page.py::test_a_snippet_verifies_what_is_signed_and_nothing_else",
    ("pace.md", "python"): "tests/dialer/bucket/test_token_bucket.py",
    ("callgear.md", "python"): "it calls in earnest; its imports: test_what_a_program_of_a_page_imports_is_there",
    ("webex.md", "python"): "it calls in earnest; its imports: test_what_a_program_of_a_page_imports_is_there",
    ("api.md", "text"): "an answer",
    ("logs.md", "json"): "an answer",
    ("responses.md", "json"): "tests/console/receipts/test_responses.py",
    ("traces.md", "text"): "an answer",
    ("webhooks.md", "json"): "an answer",
    ("when-and-whether.md", "json"): "an answer",
    ("console.md", "nginx"): "another program's configuration",
}
PAGES_OF_MACHINES = {  # for other machines than the one that tests: what they start is tested, not these lines
    "deploy.md": "tests/deploy, and `make containers`",
    "runbook.md": "the faults are provoked in tests/deploy",
}
RUN_WHOLE = {"console", "yaml", "mermaid", "toml"}  # each by a test of all of them

LIST_IT = "run it in a test, and name the test in COMMANDS or BLOCKS above; take out what no document shows any more"


def shown(language: str) -> list[tuple[str, str]]:
    """Each block of this language with its document."""
    return [
        (document.name, text)
        for document in DOCUMENTS
        if document.name not in PAGES_OF_MACHINES
        for text in re.findall(rf"^```{language}\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    ]


def test_every_command_is_run_by_a_test_or_listed_with_the_reason_why_not():
    lines = [line for _, text in shown("console") for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE)]
    commands = {re.sub(r"\s+# .*", "", line) for line in lines}
    assert {command for command in commands if not command.startswith("dialer ")} == set(COMMANDS), LIST_IT


def test_every_block_of_code_is_run_by_a_test_or_listed_with_the_reason_why_not():
    blocks = {
        (document.name, language)
        for document in DOCUMENTS
        if document.name not in PAGES_OF_MACHINES
        for language in re.findall(r"^```(\w+)$", document.read_text("utf-8"), re.MULTILINE)
    }
    assert {block for block in blocks if block[1] not in RUN_WHOLE} == set(BLOCKS), LIST_IT


@pytest.mark.parametrize("reference", sorted({*COMMANDS.values(), *BLOCKS.values()}))
def test_every_test_that_the_lists_name_is_there(reference):
    for file, name in re.findall(r"((?:tests|scripts)/[\w/]+\.py)(?:::(\w+))?", reference):
        assert re.search(rf"^def {name}\b" if name else "", (ROOT / file).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in shown("toml")])
def test_settings_in_a_document_can_be_used(text):
    assert Settings(**tomllib.loads(text))


@pytest.mark.parametrize("name", ["callgear.md", "webex.md"])
def test_what_a_program_of_a_page_imports_is_there(name):
    (program,) = [text for document, text in shown("python") if document == name]
    compile(program, name, "exec")
    imports = "\n".join(line for line in program.splitlines() if line.startswith(("from ", "import ")))
    exec(imports, {})  # noqa: S102
