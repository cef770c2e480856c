"""Where Redis is and how to reach it: one reading of its URL, for the broker, the token buckets and Flower."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

if TYPE_CHECKING:
    import redis

PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379, "sentinels": 26379}
SOCKETS = ("unix", "redis+socket")
FORMS = (
    "write redis://:PASSWORD@host:6379/0, rediss:// for TLS, unix:///path/of/socket, "
    "or sentinel://host:26379,other:26379/0 (sentinels:// for TLS)"
)
QUOTING = "in the user and the password write %23 for #, %2F for /, %3F for ?, %40 for @, %25 for % and %20 for a space"
AMBIGUOUS = re.compile(r"[#/?@\s]|%(?![0-9A-Fa-f]{2})")  # a URL means something else by these
HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s\[\]:/@#?%]+))(?::(?P<port>\d{1,5}))?")
UNVERIFIED = ("none", "cert_none")
MOST_CONNECTIONS = 1_000  # of one client: each thread of a worker may ask at the same moment


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """One Redis: a host, a socket, or what the Sentinels at several hosts call `master`. Its text has no secret.

    `verify` False trusts any certificate. `ca_file` names the authority to trust instead of the system's; `cert_file`
    and `key_file` are what we show the server.
    """

    hosts: tuple[tuple[str, int], ...] = ()
    socket: str | None = None
    master: str | None = None
    db: int = 0
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @classmethod
    def parse(cls, url: str, *, master: str | None = None, verify: bool = True, **files: str | None) -> RedisAddress:
        """The address in a URL. Raises ValueError, without any part of the URL but its scheme and its query's keys.

        `files` are `ca_file`, `cert_file` and `key_file`. What the URL itself says of these wins, under the names that
        redis-py has for them: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs`.
        """
        scheme, found, rest = url.strip().partition("://")
        if not found or scheme not in (*PORTS, *SOCKETS):
            raise ValueError(FORMS)
        credentials, at, place = rest.rpartition("@")
        if AMBIGUOUS.search(credentials) or (not at and "#" in rest):
            raise ValueError(QUOTING)
        user, _, password = credentials.partition(":")
        place, _, query = place.partition("?")
        options = _read_query(query)
        common: dict[str, Any] = {
            "user": unquote(user) or None,
            "password": unquote(password) or None,
            "verify": verify and options.pop("ssl_cert_reqs", "required").lower() not in UNVERIFIED,
            "ca_file": options.pop("ssl_ca_certs", files.get("ca_file")),
            "cert_file": options.pop("ssl_certfile", files.get("cert_file")),
            "key_file": options.pop("ssl_keyfile", files.get("key_file")),
        }
        db = options.pop("db", options.pop("virtual_host", ""))
        if scheme in SOCKETS:
            if not place.startswith("/"):
                raise ValueError("a socket is an absolute path: unix:///path/of/socket")
            return cls(socket=unquote(place), db=_database(db), **common)
        hosts, _, path = place.partition("/")
        if scheme.startswith("sentinel") and not master:
            raise ValueError("with sentinel:// set redis.master, the name that the Sentinels have for the server")
        if master and not scheme.startswith("sentinel"):
            raise ValueError("redis.master goes with sentinel://, which names the Sentinels")
        return cls(
            hosts=_read_hosts(hosts, scheme),
            master=master,
            db=_database(path or db),
            tls=scheme in ("rediss", "sentinels"),
            **common,
        )

    def __str__(self) -> str:
        """The URL without user and password."""
        if self.socket:
            return f"unix://{self.socket}?db={self.db}"
        scheme = ("sentinel" if self.master else "redis") + "s" * self.tls
        hosts = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts)
        return f"{scheme}://{hosts}/{self.db}"

    def client(self, *, timeout: float, decode_responses: bool = False) -> redis.Redis:
        """A client that connects when it is used, waits so many seconds for each answer, and never repeats a command.

        A repeated script may charge twice.
        """
        import redis  # to read the settings takes no client
        from redis.backoff import NoBackoff
        from redis.retry import Retry
        from redis.sentinel import Sentinel

        once = Retry(NoBackoff(), 0)
        given: dict[str, Any] = {
            "db": self.db,
            "username": self.user,
            "password": self.password,
            "decode_responses": decode_responses,
            "max_connections": MOST_CONNECTIONS,
        }
        if self.socket:
            return redis.Redis(unix_socket_path=self.socket, socket_timeout=timeout, retry=once, **given)
        wire: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout, **self._ssl_options()}
        if self.master is None:
            ((host, port),) = self.hosts
            return redis.Redis(host=host, port=port, retry=once, **wire, **given)
        sentinel = Sentinel(self.hosts, sentinel_kwargs=wire)  # type: ignore[no-untyped-call]
        client: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
            self.master, retry=once, **wire, **given
        )
        return client

    def celery(self) -> dict[str, Any]:
        """What Celery's configuration needs to use this Redis as its broker; it holds the password."""
        credentials = "".join((quote(self.user or "", safe=""), ":", quote(self.password or "", safe=""), "@"))
        credentials = "" if credentials == ":@" else credentials
        if self.socket:
            return {"broker_url": f"redis+socket://{credentials}{quote(self.socket)}?virtual_host={self.db}"}
        scheme = "sentinel" if self.master else "redis"
        urls = [f"{scheme}://{credentials}{_bracketed(host)}:{port}/{self.db}" for host, port in self.hosts]
        configuration: dict[str, Any] = {"broker_url": ";".join(urls)}
        if self.tls:
            configuration["broker_use_ssl"] = self._certificates()
        if self.master:
            secured = {"sentinel_kwargs": self._ssl_options()} if self.tls else {}
            configuration["broker_transport_options"] = {"master_name": self.master, **secured}
        return configuration

    def _ssl_options(self) -> dict[str, Any]:
        """What a client of redis-py needs for TLS; nothing without it."""
        return {"ssl": True, **self._certificates()} if self.tls else {}

    def _certificates(self) -> dict[str, Any]:
        return {
            "ssl_cert_reqs": ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE,
            "ssl_check_hostname": self.verify,
            "ssl_ca_certs": self.ca_file,
            "ssl_certfile": self.cert_file,
            "ssl_keyfile": self.key_file,
        }


def _read_query(query: str) -> dict[str, str]:
    known = {"db", "virtual_host", "ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(options) - known):
        raise ValueError(f"{unknown[0]} is not known in a Redis URL; known are {', '.join(sorted(known))}")
    return options


def _read_hosts(text: str, scheme: str) -> tuple[tuple[str, int], ...]:
    hosts = []
    for part in text.split(","):
        match = HOST.fullmatch(part)
        port = int(match["port"] or PORTS[scheme]) if match else 0
        if match is None or not 0 < port < 65536:
            raise ValueError(FORMS)
        hosts.append((match["v6"] or match["name"], port))
    if len(hosts) > 1 and not scheme.startswith("sentinel"):
        raise ValueError("several hosts go with sentinel:// only")
    return tuple(hosts)


def _database(text: str) -> int:
    if not re.fullmatch(r"\d{0,4}", text):
        raise ValueError("the database is a number at the end: redis://host:6379/0")
    return int(text or 0)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
