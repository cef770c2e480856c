"""Arguments and options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse
from dialer.regular_file import read_regular
from dialer.unicode_files import decoded

STANDARD_INPUT, IN_FILE = "-", "@"  # instead of a number: where numbers stand
SHOWN_BAD_LINES = 20
MAX_LINE = MAX_SEED = 2**31 - 1
MAX_ID = 2**63 - 1
MAX_BYTES = 16 << 20  # of numbers on standard input or in a file: a million

AsJson = typer.Option(False, "--json", help="Print JSON, for machines.")
FilePath = typer.Argument(help="The campaign file (YAML).", metavar="FILE", show_default=False)
Name = typer.Argument(help="The campaign's id, or its name for the newest of that name.", metavar="CAMPAIGN")
SkipRejects = typer.Option(False, "--skip-rejects", help="Call the good rows although some are bad.")
Again = typer.Option(False, "--again", help="Start although a campaign of this name is still going on.")
Number = Annotated[
    str,
    typer.Argument(
        help="The number, with + and country code; - for numbers on standard input, @FILE for those in a file.",
        metavar="NUMBER",
    ),
]
Country = Annotated[str | None, typer.Option(help="Country (two letters) of numbers written without a plus.")]
Row = typer.Option(
    None, "--row", min=1, max=MAX_LINE, help="Line of the list in which the contact stands; absent, the first."
)


class BadArgument(DialerError):
    """An argument or option cannot be used as given."""


def known_encoding(text: str | None) -> str | None:
    """The encoding in an option. Raises BadArgument."""
    from campaigns.definition.encodings import NoSuchEncoding, encoding_named  # with what campaign files need

    try:
        return text and encoding_named(text)
    except NoSuchEncoding as exc:
        raise BadArgument(f"--encoding: {exc}", exc.suggestion) from None


def parse_number(text: str, country: str | None) -> PhoneNumber:
    """The phone number in an argument, or the only one that it leads to, see `given_numbers`. Raises BadArgument."""
    numbers = given_numbers(text, country)
    if len(numbers) > 1:
        raise BadArgument(f"{len(numbers)} numbers were given", "give one")
    return numbers[0]


def given_numbers(text: str, country: str | None) -> list[PhoneNumber]:
    """The number in an argument; for `-` those on standard input, for `@FILE` those of the file, one in each line.

    So a number need not stand in the list of processes or in a shell's history. Raises BadArgument that names every
    line that is no number, so that nothing is done by halves.
    """
    if not leads_elsewhere(text):
        return [_number(text, country, "the number cannot be used: ")]
    lines = _lines_of(text)
    numbers: list[PhoneNumber] = []
    bad: list[str] = []
    for place, line in enumerate(lines, 1):
        if line.strip():
            try:
                numbers.append(_number(line.strip(), country, f"line {place}: "))
            except BadArgument as exc:
                bad.append(f"{exc.message} – {exc.remedy}")
    if bad:
        more = [f"… and {len(bad) - SHOWN_BAD_LINES:,} more"] if len(bad) > SHOWN_BAD_LINES else []
        raise BadArgument("\n".join(bad[:SHOWN_BAD_LINES] + more), "correct what is named; nothing was done")
    if not numbers:
        raise BadArgument("no number was given", "write one in each line")
    return numbers


def given_lines(text: str, what: str) -> list[str]:
    """The text in an argument; for `-` the lines of standard input, for `@FILE` those of the file. Raises BadArgument.

    `what` says what they are.
    """
    lines = [line.strip() for line in _lines_of(text)] if leads_elsewhere(text) else [text]
    if not any(lines):
        raise BadArgument(f"no {what} was given", "write one in each line")
    return list(filter(None, lines))


def leads_elsewhere(text: str) -> bool:
    """Whether an argument says where numbers stand, instead of being one."""
    return text == STANDARD_INPUT or text.startswith(IN_FILE)


def single_or_all(text: str, facts: Sequence[Any]) -> Any:
    """The JSON form of what was done for the numbers of an argument: a list unless it was a number itself."""
    return list(facts) if leads_elsewhere(text) else facts[0]


def _lines_of(text: str) -> list[str]:
    try:
        return decoded(_content_of(text)).splitlines()
    except OSError as exc:
        raise BadArgument(f"{text}: {exc.strerror}", "name a file that this user may read") from None
    except UnicodeDecodeError:
        raise BadArgument(f"{text}: it is not UTF-8 text", "save it as UTF-8, one number in each line") from None


def _content_of(text: str) -> bytes:
    if text != STANDARD_INPUT:
        return read_regular(Path(text.removeprefix(IN_FILE)), MAX_BYTES)
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadArgument(f"standard input has more than {MAX_BYTES:,} bytes", "give fewer numbers at a time")
    return content


def _number(text: str, country: str | None, before: str) -> PhoneNumber:
    try:
        return parse(text, country.upper() if country else None)
    except BadPhoneNumber as exc:
        raise BadArgument(f"{before}{exc}", exc.suggestion or "write +, country code, number") from None
