"""Errors of the API as RFC 9457 has them, with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fastapi import Response
from pydantic import BaseModel, Field

from campaigns.audience.rejects import Reject
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from campaigns.launch.checking.checks import RowsRejected
from campaigns.reporting.listings import mask_numbers
from dialer.errors import DialerError

MEDIA_TYPE = "application/problem+json"
ANY_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
HTTP_PROBLEM = "about:blank"  # what the status says, and no more


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    where: str = Field(
        description="The key or parameter; in a campaign file with line and column before it; in a list the line, and "
        "the name of the column."
    )
    message: str
    suggestion: str = ""


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="urn:dialer:… names the error for programs; about:blank says no more than status.")
    title: str
    status: int
    detail: str = Field(description="What is wrong.")
    remedy: str = Field(description="What to do about it; blank where nothing is known.")
    faults: list[Fault] = Field(default=[], description="Each thing that is wrong with what was sent.")


def http_problem(status: int, detail: str, remedy: str, faults: Iterable[Fault] = ()) -> Problem:
    """A problem that the HTTP status names."""
    title = HTTPStatus(status).phrase
    return Problem(type=HTTP_PROBLEM, title=title, status=status, detail=detail, remedy=remedy, faults=[*faults])


def dialer_problem(status: int, error: DialerError) -> Problem:
    """A problem that the class of an error names: NoSuchCampaign is `urn:dialer:no-such-campaign`."""
    faults = error.faults if isinstance(error, DefinitionFaults) else ()
    problem = kept_problem(status, type(error).__name__, error.message, error.remedy, faults)
    if isinstance(error, RowsRejected):
        problem.faults = [_fault_of_row(reject) for reject in error.rejects]
    return problem


def kept_problem(status: int, kind: str, detail: str, remedy: str, faults: Iterable[FileFault]) -> Problem:
    """The same for an error of which these facts were kept: its class, its words, and the faults of a definition."""
    words = ANY_CAPITAL.sub(" ", kind).lower()
    return Problem(
        type=f"urn:dialer:{words.replace(' ', '-')}",
        title=words.capitalize(),
        status=status,
        detail=detail,
        remedy=remedy,
        faults=[_fault_of_file(fault) for fault in faults],
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a reply."""
    return Response(problem.model_dump_json(), problem.status, headers, MEDIA_TYPE)


def _fault_of_row(reject: Reject) -> Fault:
    where = f"{reject.line}: {reject.column}" if reject.column else str(reject.line)
    return Fault(
        where=where, message=mask_numbers(reject.reason) or "", suggestion=mask_numbers(reject.suggestion) or ""
    )


def _fault_of_file(fault: FileFault) -> Fault:
    place = f"{fault.line}:{fault.column}: " if fault.line else ""
    return Fault(where=place + fault.key, message=fault.message, suggestion=fault.suggestion)
