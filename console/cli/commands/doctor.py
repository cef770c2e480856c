"""`dialer doctor`: what is wrong with this installation, on one screen."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markup import escape
from rich.text import Text

from console.cli.output import out, print_json, table
from workers.doctor.examination import examine
from workers.doctor.findings import Finding, Level, ok

ACCOUNTS_SHOWN = 4  # that are well, each on a line; the screen has room for so many
COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor_command)


def doctor_command(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Say what is wrong with this installation, and what to do.

    It looks at settings, stores, accounts, addresses, clocks, disks, files and
    versions, changes nothing, and places no call. Exit code 1: something fails.
    """
    findings = examine()
    failed = [finding for finding in findings if finding.level is Level.FAIL]
    if as_json:
        print_json({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    if failed:
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    shown = table("", "", "")
    shown.show_header = False
    for column in shown.columns[:2]:
        column.no_wrap = True
    shown.columns[0].min_width = max(map(len, Level))
    shown.columns[2].overflow = "fold"  # a long path, in its own column
    for finding in _grouped(findings):
        says = escape(finding.says) + (f"\n[bold]Do:[/] {escape(finding.remedy)}" if finding.remedy else "")
        shown.add_row(
            f"[{COLOURS[finding.level]}]{finding.level}[/]",
            escape(finding.subject),
            Text.from_markup(says, emoji=False),
        )
    out.print(shown)
    count = {level: sum(finding.level is level for finding in findings) for level in Level}
    if count[Level.FAIL] or count[Level.WARN]:
        out.print(f"{count[Level.FAIL]} fail, {count[Level.WARN]} warn, {count[Level.OK]} ok")
    else:
        out.print("All is well.")


def _grouped(findings: list[Finding]) -> list[Finding]:
    """The findings, with one line for the accounts that are well where there are many."""
    well = [finding for finding in findings if finding.subject.startswith("account ") and finding.level is Level.OK]
    if len(well) <= ACCOUNTS_SHOWN:
        return findings
    names = ", ".join(finding.subject.removeprefix("account ") for finding in well)
    place = findings.index(well[0])
    others = [finding for finding in findings if finding not in well]
    return [*others[:place], ok("accounts", f"{len(well)} answer, logged in: {names}"), *others[place:]]
