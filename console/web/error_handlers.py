"""Error replies: problems (RFC 9457) under `/api/`, elsewhere a page with the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHttpException

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.given_rows import BadRows
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.call_test_number import NotListed, RowNotCalled
from campaigns.launch.change import ChangeRefused
from campaigns.launch.checking.checks import NobodyToCall, RowsRejected
from campaigns.launch.drafts.file_drafts import AlreadyStarted, BeingRead, NoSuchDraft, NotStarted
from campaigns.launch.drafts.new_drafts import NoList
from campaigns.launch.drafts.reading_notes import NoReading
from campaigns.launch.drafts.rehearsal_notes import NoRehearsal
from campaigns.launch.launch import CampaignNotEnded
from campaigns.launch.preview import NoSuchRow
from campaigns.launch.recurring import NotRecurring
from campaigns.launch.redial import CannotRedial
from campaigns.launch.schedules import NoSuchSchedule
from campaigns.launch.single_calls import CallRefused
from campaigns.ledger.lists.appends import CannotAppend
from campaigns.ledger.lists.contacts import NoSuchContact, SeveralContacts
from campaigns.ledger.lists.idempotency import KeyReused
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.webhooks import NoSuchWebhook
from campaigns.lifecycle import ChangedMeanwhile, IllegalMove
from campaigns.operations.api_tokens import BadToken, NoSuchToken, TokenNameTaken
from campaigns.operations.contact_numbers import NumberErased
from campaigns.operations.control import SecondPersonNeeded
from campaigns.operations.live_calls import AccountUnclear, NotDone
from campaigns.operations.passwords import BadPassword
from campaigns.operations.people import BadUser, LastAdmin, NoSuchUser, UserNameTaken
from campaigns.operations.suppression_files.importing import NoNumbers
from campaigns.operations.suppression_files.uploads import NoSuchUpload
from campaigns.operations.suppression_list import NoSuchEntry
from campaigns.operations.webhooks.streams import EventsNotKept
from campaigns.operations.webhooks.subscriptions import BadWebhook
from campaigns.operations.withdrawals import BadReason
from campaigns.planning.plan import NothingToPlan
from campaigns.reporting.joint.chosen_campaigns import TooManyCampaigns
from console.pages.rendering import render
from console.preflight import CannotLogIn
from console.server.api_route import PREFIX
from console.server.auth import READING, REFRESH, TOKEN_CHALLENGE, is_browser
from console.server.headers import HEADERS
from console.server.identity_provider import LogInRefused, ProviderAway
from console.server.problems import Fault, Problem, dialer_problem, http_problem, problem_response
from console.server.session_cookie import may_renew
from dialer.errors import DialerError, ProviderError
from dialer.live_calls import NotManaged
from dialer.log import get_logger
from dialer.outside_url import BadOutsideUrl
from dialer.transport.signed_posts import NoAnswer
from workers.rehearsal.beginning import BadBeginning

STATUSES: Mapping[type[DialerError], int] = {
    **dict.fromkeys(
        (NoSuchCampaign, NoSuchContact, NoSuchSchedule, NoSuchToken, NoSuchUser, NoSuchRow, NoSuchDraft, NoSuchWebhook),
        404,
    ),
    **dict.fromkeys((NoReading, NoRehearsal, NoSuchEntry, NoSuchUpload), 404),
    **dict.fromkeys(
        (IllegalMove, CampaignNotEnded, CannotRedial, LastAdmin, SecondPersonNeeded, TokenNameTaken, UserNameTaken), 409
    ),
    NumberErased: 409,
    **dict.fromkeys(
        (AlreadyStarted, BeingRead, CannotAppend, CannotLogIn, KeyReused, NotDone, NotStarted, SeveralContacts), 409
    ),
    EventsNotKept: 410,
    ChangedMeanwhile: 412,
    LogInRefused: 403,
    **dict.fromkeys((DefinitionFaults, BadContactsFile, RowsRejected, NobodyToCall, NotRecurring, NothingToPlan), 422),
    **dict.fromkeys((AccountUnclear, BadToken, NoList, NoNumbers, NotListed, NotManaged, RowNotCalled), 422),
    **dict.fromkeys(
        (BadOutsideUrl, BadPassword, BadReason, BadUser, BadRows, BadWebhook, CallRefused, ChangeRefused), 422
    ),
    **dict.fromkeys((BadBeginning, TooManyCampaigns), 422),
    **dict.fromkeys((NoAnswer, ProviderAway, ProviderError), 502),
}
REMEDIES: Mapping[int, str] = {
    401: "`dialer users list` names the users; `dialer users password NAME` sets a new password",
    404: "the campaigns are listed at / and /api/v1/campaigns",
    413: "send less at a time",
    403: "an admin gives roles to people, and makes tokens with other scopes",
    412: "read it again, and decide anew",
    415: "send JSON as it is, with the header Content-Type: application/json; or without a body X-Dialer: 1",
    421: "if it is a name of this console, list it in the setting console.hosts",
    422: "correct what is named",
    502: "see that the provider is reached from here (`dialer doctor`), and ask again",
    429: "wait as long as Retry-After says; `dialer users password NAME` sets a new password",
}

log = get_logger()


def install(app: FastAPI) -> None:
    """Register the handlers, so that every error has a reply of this form."""
    app.add_exception_handler(DialerError, _dialer_error)
    app.add_exception_handler(AnyHttpException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _unexpected_error)


async def _dialer_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, DialerError)  # noqa: S101  # the only class it is registered for
    status = next((status for kind, status in STATUSES.items() if isinstance(exc, kind)), 503)
    if status == 503:
        log.error("cannot answer", error=type(exc).__name__, why=exc.message)
    problem = dialer_problem(status, exc)
    problem.remedy = problem.remedy or (REMEDIES[502] if status == 502 else "")
    return _error_response(request, problem)


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, AnyHttpException)  # noqa: S101
    status = exc.status_code
    if status == 401 and _can_log_in(request):
        return await _to_log_in(request)
    of_token = status == 401 and exc.headers == TOKEN_CHALLENGE
    remedy = "`dialer tokens create` makes a new one" if of_token else REMEDIES.get(status, "")
    return _error_response(request, http_problem(status, exc.detail, remedy), exc.headers)


def _can_log_in(request: Request) -> bool:
    """Whether a person asks who can be sent to the log-in: no program, and no script of a page."""
    is_page = not request.url.path.startswith(PREFIX)
    return is_page and is_browser(request) and "authorization" not in request.headers


async def _to_log_in(request: Request) -> Response:
    """To the log-in, and from there back to where the browser was going, unless it was about to change something.

    Who was at work until now, and has logged in elsewhere, is sent there at once.
    """
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    looks = request.method in READING
    back = "?" + urlencode({"next": path}) if looks and path != "/" else ""
    at_once = looks and REFRESH not in request.headers and await to_thread.run_sync(may_renew, request)
    return RedirectResponse(f"/login{'/oidc' if at_once else ''}{back}", 303)


async def _invalid_request(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101
    faults = [_fault(error, exc.body) for error in exc.errors()]
    detail = "; ".join(f"{fault.where.rpartition('.')[2]}: {fault.message}" for fault in faults)
    return _error_response(request, http_problem(422, detail, REMEDIES[422], faults))


def _fault(error: Mapping[str, Any], body: Any) -> Fault:
    """What is wrong in a request; in a body that is no JSON by its line and column."""
    if error["type"] != "json_invalid" or not isinstance(body, str):
        return Fault(where=_place(error["loc"]), message=error["msg"])
    at = int(error["loc"][-1])
    place = f"{body.count(chr(10), 0, at) + 1}:{at - body.rfind(chr(10), 0, at)}"
    return Fault(where=place, message=f"the body cannot be read as JSON: {error['ctx']['error']}")


def _place(location: Sequence[object]) -> str:
    """Where in a request a value stands: the parameter, or the key of the body."""
    return ".".join(str(part)[:60] for part in location[1:] or location)


async def _unexpected_error(request: Request, exc: Exception) -> Response:
    # The only reply that bypasses SafeHeaders: Starlette sends it outside of all middleware.
    headers = {name.decode(): value.decode() for name, value in HEADERS}
    headers["connection"] = "close"  # which the server does next: else a client's next request may meet its end
    return _error_response(request, http_problem(500, "the console has failed", "its log says more"), headers)


def _error_response(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    status = problem.status
    if request.url.path.startswith("/api/"):
        rate_headers: Mapping[str, str] = getattr(request.state, "rate_headers", {})
        return problem_response(problem, {**rate_headers, **(headers or {})})
    if status == 401:  # no page: its style sheet would need the password, too
        return PlainTextResponse(f"{problem.detail}\n{problem.remedy}\n", status, headers)
    html = render("refusal.html", request, status=status, error=problem.detail, remedy=problem.remedy, every=None)
    return HTMLResponse(html, status, headers)
