"""A password before all of Flower: in 2.2 its `/metrics`, which names tasks and workers, would answer anybody."""

from __future__ import annotations

from typing import Any

from tornado.routing import URLSpec
from tornado.web import HTTPError, StaticFileHandler

# `/healthcheck` says only OK; `/login` is how one comes in where a provider of identities is configured.
PUBLIC_PATHS = ("/healthcheck", "/login/?")


class PasswordRequired:
    """Put before one of Flower's handlers: nothing of it runs for somebody who has not proved who they are."""

    application: Any
    current_user: Any

    def prepare(self) -> Any:
        options = self.application.options
        if not (options.basic_auth or options.auth):
            raise HTTPError(401, "Flower has no password: set FLOWER_BASIC_AUTH")
        if not self.current_user:
            raise HTTPError(401)
        return super().prepare()  # type: ignore[misc]


def install() -> None:
    """Guard every page and every call of Flower's API but its health check. Without a password nothing answers.

    To be called before Flower builds its application; calling it again changes nothing.
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
