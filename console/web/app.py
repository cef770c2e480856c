"""The console's ASGI app, which `python -m console.web` serves."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request

from console import receipts
from console.api import document
from console.pages import site
from console.pages.language import ReadersLanguage
from console.server.auth import identify, require_metrics
from console.server.connections import Connections
from console.server.headers import SafeHeaders
from console.server.request_checks import HeadAsGet, refusal_of_route, require_known_host, require_known_parameters
from console.server.state import AppState
from console.web import error_handlers, health, metrics
from dialer.errors import DialerError
from workers import logs
from workers.clock import now_utc
from workers.settings import Settings, load

PROCESS = "console"
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

API_ROUTERS = (*document.RESOURCES, document.router)  # which check by themselves, before they read a body

not_found_router = APIRouter()


def create_app(
    settings: Settings | None = None,
    clock: Callable[[], datetime] = now_utc,
    connections: Connections | None = None,
) -> FastAPI:
    """The app. Without `settings` (under a server) they are read from file and environment, and logging is set up.

    `connections` are those of the server, whose counts are in the metrics. Everything but the receipt URLs, `/healthz`
    and `/readyz` requires the password, also paths that do not exist.
    """
    if settings is None:
        settings = _settings()
        _set_up_logs(settings)
    _disable_request_logs()
    app = FastAPI(title="Dialer console", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.state = AppState(settings, clock, connections)
    app.add_middleware(HeadAsGet)
    app.add_middleware(ReadersLanguage)
    app.add_middleware(SafeHeaders)
    error_handlers.install(app)
    app.include_router(receipts.router)
    app.include_router(health.router)
    for router in API_ROUTERS:
        app.include_router(router)
    app.include_router(metrics.router, dependencies=_checks(require_metrics))
    for router in site.ROUTERS:
        app.include_router(router)
    app.include_router(not_found_router, dependencies=_checks(identify))
    return app


def _checks(allow: Callable[..., Any]) -> list[Any]:
    return [Depends(check) for check in (require_known_host, allow, require_known_parameters)]


@not_found_router.api_route("/{path:path}", methods=ANY_METHOD, include_in_schema=False)
async def not_found(path: str, request: Request) -> None:
    """404 for every other path, 405 for another method of one that is served."""
    raise refusal_of_route(request, (*API_ROUTERS, metrics.router, *site.ROUTERS))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.state.close()


def _settings() -> Settings:
    try:
        return load()
    except DialerError as exc:
        logs.cannot_start(exc, PROCESS)


def _set_up_logs(settings: Settings) -> None:
    """Send the server's own logs through our formatter, which masks phone numbers."""
    logs.set_up(settings, PROCESS)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True


def _disable_request_logs() -> None:
    """Drop the server's log lines about requests: receipt URLs hold secrets.

    A filter, since it stays with its logger whatever the server configures before or after.
    """
    for name in ("uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.addFilter(_drop_record)
    logging.getLogger("uvicorn.error").addFilter(_is_not_of_strangers)


def _drop_record(_record: logging.LogRecord) -> bool:
    return False


def _is_not_of_strangers(record: logging.LogRecord) -> bool:
    """False for what anybody can make the server log as often as they like."""
    return not str(record.msg).startswith(("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket"))
