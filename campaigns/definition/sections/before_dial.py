"""`before_dial`: a program that is asked, right before its turn, whether a contact may be called."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from campaigns.definition.field_types import Duration
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error
from dialer.outside_url import BadOutsideUrl, check_form

LONGEST = timedelta(seconds=5)  # a worker's thread waits so long


def _url(text: str) -> str:
    try:
        check_form(text)
    except BadOutsideUrl as exc:
        raise field_error(exc.message, exc.remedy) from None
    return text


def _short(timeout: timedelta) -> timedelta:
    if timeout > LONGEST:
        raise field_error("a worker would wait too long for each answer", "write 5s at most")
    return timeout


class BeforeDial(Section):
    """Which program is asked before dialing, and what its silence means."""

    url: Annotated[str, AfterValidator(_url)] = Field(description="The address that is asked: https://….")
    timeout: Annotated[Duration, AfterValidator(_short)] = Field(
        timedelta(seconds=2), description="For its answer, 5s at most: 2s."
    )
    on_error: Literal["hold", "dial", "skip"] = Field(
        "hold",
        description="When it does not answer: hold (nobody is called until it does), dial (call all the same), or skip "
        "(those who were due are not called).",
    )
