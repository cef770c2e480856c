"""Flower with the console's manners: log-in, headers, hosts and bounds; its control is off unless asked for."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from secrets import token_urlsafe
from typing import Any

import flower.app
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.options import options
from tornado.routing import URLSpec
from tornado.web import HTTPError, StaticFileHandler

from workers.hosts import answers_to
from workers.safe_headers import SAFE_HEADERS
from workers.settings import Settings, load

PUBLIC_PATHS = ("/healthcheck",)  # it replies OK and nothing else
READ_BY_POST = ("/tasks/datatable",)
READING_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    **SAFE_HEADERS,
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
}
NO_CONTROL = "Flower's control is off: it shows and changes nothing. The setting flower.control = true turns it on."
HIDE_BUTTONS = (
    b"<style>#worker-group, form, main .btn, .container-fluid .btn, #add-consumer-name"
    b"{display: none !important}</style></head>"
)
COLUMNS = "name,kwargs,state,result,exception,received,runtime,worker,uuid"
MENU = b'<ul class="app-nav navbar-nav">'
PAGES_WITH_BUTTONS = ("/worker/", "/task/")
LINK_OF_A_DIAL = re.compile(rb'<a href="[^"]*">(dial ([A-Za-z0-9-]+))</a>')  # Flower's own finds nothing
MAX_CONNECTIONS = 100
HEAD_SECONDS, BODY_SECONDS = 10.0, 30.0
MAX_BODY_BYTES = 64 << 10


class SafeHeaders:
    """A base class put before each handler of Flower: its responses carry the console's headers."""

    set_header: Any

    def set_default_headers(self) -> None:
        """Flower's own headers, then ours."""
        super().set_default_headers()  # type: ignore[misc]
        for name, value in HEADERS.items():
            self.set_header(name, value)


class SafeFiles(SafeHeaders):
    """A base class put before the handler of files, which anybody may ask: what no file can be called is 404."""

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file. Raises HTTPError."""
        try:
            await super().get(path, include_body)  # type: ignore[misc]
        except (OSError, ValueError):
            raise HTTPError(404) from None


class AdminRequired(SafeHeaders):
    """A base class put before a Flower handler: for our hosts, for admins of the console, without control.

    An admin is known by the console's session, whose cookie goes to every port of its host, or by name and password.
    """

    request: Any
    finish: Any
    redirect: Any
    set_header: Any
    set_status: Any

    def prepare(self) -> Any:
        """Refuse the request, or prepare the handler as Flower does."""
        if not answers_to(self.request.headers.get("Host", ""), _settings()):
            raise HTTPError(421, "Flower does not answer to this host: list it in the setting console.hosts")
        self._current_user = None  # of error pages
        user = self._user()
        if user is None:
            return None
        self._current_user = user
        reads = self.request.method in READING_METHODS or self.request.path in READ_BY_POST
        if not (reads or _settings().flower.control):
            raise HTTPError(403, NO_CONTROL)
        return super().prepare()  # type: ignore[misc]

    def finish_page(self, chunk: Any) -> Any:
        """A page with ways to the console and to a dial's campaign there, without the buttons that would be refused."""
        if not isinstance(chunk, bytes):
            return chunk
        hides = self.request.path.startswith(PAGES_WITH_BUTTONS) and not _settings().flower.control
        shown = chunk.replace(b"</head>", HIDE_BUTTONS, 1) if hides else chunk
        if self.request.path.startswith("/task/"):
            shown = LINK_OF_A_DIAL.sub(self._way_to_campaign, shown, 1)
        return shown.replace(MENU, MENU + self._way_to_console().encode(), 1)

    def _way_to_campaign(self, found: re.Match[bytes]) -> bytes:
        words, campaign_id = found[1].decode(), found[2].decode()
        return f'<a href="{escape(self._console())}campaigns/{campaign_id}">{words}</a>'.encode()

    def _way_to_console(self) -> str:
        return f'<li class="nav-item"><a class="nav-link" href="{escape(self._console())}">Campaigns</a></li>'

    def _console(self) -> str:
        console = _settings().console
        url = console.public_url or f"{self.request.protocol}://{self.request.host_name}:{console.port}"
        return f"{url.rstrip('/')}/"

    def _user(self) -> str | None:
        """The name of the admin who asks. None when this has answered already; raises HTTPError where none is known."""
        from workers import flower_log_in  # with it comes the ledger, which is not needed before somebody looks

        if given := self.request.headers.get("Authorization"):
            return self._by_password(given)
        for name in flower_log_in.COOKIES:
            if (cookie := self.request.cookies.get(name)) and (user := flower_log_in.by_session(cookie.value)):
                return user
        if self.request.method in ("GET", "HEAD") and "text/html" in self.request.headers.get("Accept", ""):
            self.redirect(f"{self._console()}login?next=/flower", status=303)
            return None
        raise HTTPError(401)

    def _by_password(self, header: str) -> str | None:
        from workers import flower_log_in

        try:
            return flower_log_in.by_password(header, self.request.remote_ip)
        except flower_log_in.TooManyWrong as exc:
            self.set_status(429)
            self.set_header("Retry-After", str(exc.seconds))
            self.finish("too many wrong passwords\n")
            return None


class BoundedServer(HTTPServer):
    """Tornado's server with few connections at once, of which the oldest goes; requests must arrive in time."""

    def initialize(self, *args: Any, **named: Any) -> None:
        """As Tornado's, with bounds."""
        bounds = {
            "idle_connection_timeout": HEAD_SECONDS,
            "body_timeout": BODY_SECONDS,
            "max_body_size": MAX_BODY_BYTES,
            "max_buffer_size": 2 * MAX_BODY_BYTES,
        }
        super().initialize(*args, **bounds | named)
        self._streams: dict[IOStream, None] = {}

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a connection."""
        for closed in [known for known in self._streams if known.closed()]:
            del self._streams[closed]
        while len(self._streams) >= MAX_CONNECTIONS:
            oldest = next(iter(self._streams))
            del self._streams[oldest]
            oldest.close()
        self._streams[stream] = None
        super().handle_stream(stream, address)


def install() -> None:
    """Put the guard before all of Flower: everything but the health check is for admins of the console.

    Call it before Flower builds its application; calling it again changes nothing.
    """
    from flower.urls import handlers, settings

    options.basic_auth = [token_urlsafe()]  # nobody's: Flower believes itself behind a password, and the guard decides
    options.enable_events = False  # whether workers send them is in their settings; else Flower turns them on each 5 s
    options.tasks_columns = COLUMNS  # FLOWER_TASKS_COLUMNS and --tasks_columns rule over it
    flower.app.HTTPServer = BoundedServer
    settings["static_handler_class"] = _with_manners("", StaticFileHandler)
    handlers[:] = [_guarded(handler) for handler in handlers]


def _guarded(entry: Any) -> Any:
    if isinstance(entry, URLSpec):
        path, handler = entry.regex.pattern.removesuffix("$"), entry.handler_class
        return URLSpec(path, _with_manners(path, handler), entry.kwargs, entry.name)
    path, handler, *rest = entry
    return (path, _with_manners(path, handler), *rest)


def _with_manners(path: str, handler: type[Any]) -> type[Any]:
    if issubclass(handler, SafeHeaders):
        return handler
    if path in PUBLIC_PATHS or issubclass(handler, StaticFileHandler):
        base = SafeFiles if issubclass(handler, StaticFileHandler) else SafeHeaders
        return type(handler.__name__, (base, handler), {"__module__": handler.__module__})

    def finish(self: Any, chunk: Any = None) -> Any:
        return handler.finish(self, self.finish_page(chunk))

    def get_current_user(self: Any) -> Any:
        return self._current_user

    facts = {"__module__": handler.__module__, "finish": finish, "get_current_user": get_current_user}
    return type(handler.__name__, (AdminRequired, handler), facts)


@cache
def _settings() -> Settings:
    return load()
