"""Error replies: JSON with the error and its remedy under `/api/`, elsewhere a page with the same text."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException as AnyHttpException

from campaigns.ledger.queries import NoSuchCampaign
from campaigns.lifecycle import IllegalMove
from console.pages.rendering import render
from console.server.headers import HEADERS
from dialer.errors import DialerError
from dialer.log import get_logger

STATUSES: Mapping[type[DialerError], int] = {NoSuchCampaign: 404, IllegalMove: 409}
REMEDIES: Mapping[int, str] = {
    401: "it is console.password of the settings, else in the file `password` of the data folder",
    404: "the campaigns are listed at /",
    415: "send the header Content-Type: application/json, or X-Dialer: 1",
    421: "if it is a name of this console, list it in the setting console.hosts",
    422: "correct what is named",
    429: "wait as long as Retry-After says; the setting console.password has the right one",
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
    return _error_response(request, status, exc.message, exc.remedy)


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, AnyHttpException)  # noqa: S101
    return _error_response(request, exc.status_code, exc.detail, REMEDIES.get(exc.status_code, ""), exc.headers)


async def _invalid_request(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101
    errors = [f"{error['loc'][-1]}: {error['msg']}" for error in exc.errors()]
    return _error_response(request, 422, "; ".join(errors), "correct what is named")


async def _unexpected_error(request: Request, exc: Exception) -> Response:
    # The only reply that bypasses SafeHeaders: Starlette sends it outside of all middleware.
    headers = {name.decode(): value.decode() for name, value in HEADERS}
    return _error_response(request, 500, "the console has failed", "its log says more", headers)


def _error_response(
    request: Request, status: int, error: str, remedy: str, headers: Mapping[str, str] | None = None
) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error, "remedy": remedy}, status, headers)
    if status == 401:  # no page: its style sheet would need the password, too
        return PlainTextResponse(f"{error}\n{remedy}\n", status, headers)
    html = render("refusal.html", request, status=status, error=error, remedy=remedy, every=None)
    return HTMLResponse(html, status, headers)
