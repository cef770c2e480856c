"""The console's ASGI app: `python -m uvicorn --factory console.web:create_app`."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import APIRouter, Depends, FastAPI, HTTPException

from console import receipts
from console.api import campaigns as api
from console.pages import campaigns as pages
from console.server.auth import require_password
from console.server.headers import SafeHeaders
from console.server.state import AppState
from console.web import error_handlers, health, metrics
from dialer.errors import DialerError
from workers import logs
from workers.settings import Settings, load
from workers.wiring import now_utc

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

not_found_router = APIRouter()


def create_app(settings: Settings | None = None, clock: Callable[[], datetime] = now_utc) -> FastAPI:
    """The app. Without `settings` (under a server) they are read from file and environment, and logging is set up.

    Everything but the receipt URLs, `/healthz` and `/readyz` requires the password, also paths that do not exist.
    """
    if settings is None:
        settings = _settings()
        _set_up_logs()
    _disable_request_logs()
    app = FastAPI(title="Dialer console", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.state = AppState(settings, clock)
    app.add_middleware(SafeHeaders)
    error_handlers.install(app)
    app.include_router(receipts.router)
    app.include_router(health.router)
    for router in (api.router, metrics.router, pages.router, not_found_router):
        app.include_router(router, dependencies=[Depends(require_password)])
    return app


@not_found_router.api_route("/{path:path}", methods=ANY_METHOD)
async def not_found(path: str) -> None:
    """404 for every other path."""
    raise HTTPException(404, "there is nothing here")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.state.close()


def _settings() -> Settings:
    try:
        return load()
    except DialerError as exc:
        sys.exit(f"{exc.message}\n{exc.remedy}")


def _set_up_logs() -> None:
    """Send the server's own logs through our formatter, which masks phone numbers."""
    logs.set_up()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True


def _disable_request_logs() -> None:
    """Drop the server's log lines about requests: receipt URLs hold secrets.

    A filter, since it stays with its logger whatever the server configures before or after.
    """
    for name in ("uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        if _drop_record not in logger.filters:
            logger.addFilter(_drop_record)


def _drop_record(_record: logging.LogRecord) -> bool:
    return False
