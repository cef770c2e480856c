"""A vendor of the sandbox: the APIs that it serves, and how they are described to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.replies import Reply
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.world import World

SANDBOX_KEY = "sandbox-key"
"""The key that opens an account at every vendor of the sandbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came. Names in `headers` are in any case; `path` holds the parts that the route's path names."""

    body: bytes
    headers: Mapping[str, str]
    charset: str | None
    ip: str
    path: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        """Whether its Content-Type says that the body is JSON, whatever its charset."""
        declared = self.headers.get("content-type", "").partition(";")[0]
        return declared.strip().lower() == "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP method and path, and what answers there."""

    method: str
    path: str
    answer: Callable[[Incoming], Reply]


class Service(Protocol):
    """One vendor's APIs in one sandbox."""

    def routes(self) -> Sequence[Route]: ...
    async def close(self) -> None: ...  # send nothing more of its own accord


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxVendor:
    """One vendor of the sandbox. `name` is what its calls are logged under: the provider's name in settings.

    `account` says, given the sandbox's URL and an account's settings, which of them lead the account to the sandbox.
    `base_path` is the path of an account's base URL, `api_path` that of the API itself. `config` holds the config keys
    that are this vendor's own, of which `options` can be given on the command line too.
    `accepted` is the vendor's word for a call that was placed, `replies` are those for numbers that get another;
    `notes` say what is special at this vendor in what becomes of a number's call. `openapi` describes the API.
    """

    name: str
    title: str
    open: Callable[[World[Any]], Service]
    account: Callable[[str, Mapping[str, Any]], Mapping[str, str | None]]
    base_path: str = ""
    api_path: str
    config: type[SharedConfig] = SharedConfig
    options: Mapping[str, type] = field(default_factory=dict)
    accepted: str
    replies: Mapping[ReservedBehaviour, str]
    notes: Mapping[ReservedBehaviour, str] = field(default_factory=dict)
    openapi: Callable[[], dict[str, Any]] | None = None

    def reply(self, behaviour: ReservedBehaviour) -> str:
        """What the first request to call a number with this behaviour is answered."""
        return self.replies.get(behaviour, self.accepted)
