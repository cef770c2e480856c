"""Requires the password for all of Flower: version 2.2 serves `/metrics`, which names tasks and workers, without."""

from __future__ import annotations

from typing import Any

from tornado.routing import URLSpec
from tornado.web import HTTPError, StaticFileHandler

# `/healthcheck` replies OK and nothing else; `/login` starts the login where an identity provider is configured.
PUBLIC_PATHS = ("/healthcheck", "/login/?")


class PasswordRequired:
    """A base class put before a Flower handler: without valid credentials the request ends with 401."""

    application: Any
    current_user: Any

    def prepare(self) -> Any:
        """Refuse the request, or prepare the handler as Flower does."""
        options = self.application.options
        if not (options.basic_auth or options.auth):
            raise HTTPError(401, "Flower has no password: set FLOWER_BASIC_AUTH")
        if not self.current_user:
            raise HTTPError(401)
        return super().prepare()  # type: ignore[misc]


def install() -> None:
    """Require the password for all of Flower but its health check; without a configured one, refuse everything.

    Call it before Flower builds its application; calling it again changes nothing.
    """
    from flower.urls import handlers

    handlers[:] = [_guarded(handler) for handler in handlers]


def _guarded(entry: Any) -> Any:
    if isinstance(entry, URLSpec):
        path, handler = entry.regex.pattern.removesuffix("$"), entry.handler_class
        return URLSpec(path, _with_password(path, handler), entry.kwargs, entry.name)
    path, handler, *rest = entry
    return (path, _with_password(path, handler), *rest)


def _with_password(path: str, handler: type[Any]) -> type[Any]:
    if path in PUBLIC_PATHS or issubclass(handler, PasswordRequired | StaticFileHandler):
        return handler
    return type(handler.__name__, (PasswordRequired, handler), {"__module__": handler.__module__})
