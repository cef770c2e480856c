"""Arguments and options that several commands share."""

from __future__ import annotations

import typer

from campaigns.definition.encodings import NoSuchEncoding, encoding_named
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse

AsJson = typer.Option(False, "--json", help="Print JSON, for machines.")
FilePath = typer.Argument(help="The campaign file (YAML).", metavar="FILE", show_default=False)
Name = typer.Argument(help="The campaign's id, or its name for the newest of that name.", metavar="CAMPAIGN")
SkipRejects = typer.Option(False, "--skip-rejects", help="Call the good rows although some are bad.")
Again = typer.Option(False, "--again", help="Start although a campaign of this name is still going on.")
Row = typer.Option(None, "--row", min=1, help="Line of the list in which the contact stands; absent, the first.")


class BadArgument(DialerError):
    """An argument or option cannot be used as given."""


def known_encoding(text: str | None) -> str | None:
    """The encoding in an option. Raises BadArgument."""
    try:
        return text and encoding_named(text)
    except NoSuchEncoding as exc:
        raise BadArgument(f"--encoding: {exc}", exc.suggestion) from None


def parse_number(text: str, country: str | None) -> PhoneNumber:
    """The phone number in an argument. Raises BadArgument."""
    try:
        return parse(text, country.upper() if country else None)
    except BadPhoneNumber as exc:
        raise BadArgument(
            f"the number cannot be used: {exc}", exc.suggestion or "write +, country code, number"
        ) from None
