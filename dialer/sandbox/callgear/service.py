"""CallGear's service: one request in, one reply out, everything asked in the order of the document's error groups.

The envelope first, then the method, the address, the token, the account, the component, the limits, the parameters,
and at last what the method itself has to say. Errors arrive with HTTP 200.
"""

from __future__ import annotations

from typing import Any

from dialer.sandbox.callgear import envelope
from dialer.sandbox.callgear.accounts import Account, Accounts
from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.envelope import Request, RequestId
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.methods import METHODS, Method
from dialer.sandbox.callgear.params import ACCESS_TOKEN, examine
from dialer.sandbox.callgear.starting import limit_exceeded
from dialer.sandbox.callgear.visit import Done, Visit
from dialer.sandbox.replies import Breakdown, Reply
from dialer.sandbox.vendor import Incoming

UNKNOWN_METHOD = "unknown"


class CallGear:
    """The Call API of one sandbox."""

    def __init__(self, world: CallGearWorld, accounts: Accounts) -> None:
        self._world = world
        self._accounts = accounts

    def answer(self, incoming: Incoming) -> Reply:
        """Carry out one request and say how it went."""
        try:
            request = envelope.read(incoming)
        except Refusal as refusal:
            return self._refused(refusal, UNKNOWN_METHOD, refusal.request_id, None)
        return self._answer(request, incoming.ip)

    def _answer(self, request: Request, ip: str) -> Reply:
        method = METHODS.get(request.method)
        name = request.method if method else UNKNOWN_METHOD
        account: Account | None = None
        try:
            method = self._admit(method, request, ip)
            account = self._open(request)
            done = self._perform(method, request, account)
        except Refusal as refusal:
            return self._refused(refusal.said_by(name), name, request.id, account)
        except Breakdown as breakdown:
            return breakdown.reply(name)
        result = {"data": done.data, "metadata": self._metadata(account)}
        body = {"jsonrpc": "2.0", "id": request.id, "result": result}
        return Reply(method=name, result="ok", body=body, manner=done.manner)

    def _admit(self, method: Method | None, request: Request, ip: str) -> Method:
        if method is None:
            raise Refusal("method_not_found", "method", request.method)
        if not request.utf8 and not method.any_encoding:
            raise Refusal("parse_error")
        if not self._world.config.admits(ip):
            raise Refusal("ip_not_whitelisted", params={"ip": ip})
        return method

    def _open(self, request: Request) -> Account:
        if request.method == "login.user":
            return self._open_by_login(request)
        given = {name: value for name, value in request.params.items() if name == ACCESS_TOKEN.name}
        examine(given, (ACCESS_TOKEN,))
        return self._accounts.open(given[ACCESS_TOKEN.name], self._world.config, self._world.clock.now())

    def _open_by_login(self, request: Request) -> Account:
        examine(request.params, METHODS[request.method].known)
        return self._accounts.by_login(request.params["login"], request.params["password"])

    def _perform(self, method: Method, request: Request, account: Account) -> Done:
        world, config, now = self._world, self._world.config, self._world.clock.now()
        if not config.account_active or account.name in config.inactive_accounts:
            raise Refusal("account_inactive")
        if request.params.get(ACCESS_TOKEN.name) in config.forbidden_tokens:
            raise Refusal("forbidden")
        if method.component not in config.components:
            raise Refusal("component_disabled", params={"component_name": method.component})
        usual = config.start_points if request.method.startswith("start.") else 1
        cost = config.method_points.get(request.method, usual)
        if exceeded := account.points.exceeded(cost, config, now):
            raise limit_exceeded(*exceeded)
        if not request.utf8:
            raise Refusal("character_encoding_not_allowed")
        examine(request.params, method.known)
        visit = Visit(world, self._accounts, account, request.method, request.params, now)
        done = method.perform(visit)
        account.points.take(cost, now)
        self._note(visit)
        return done

    def _note(self, visit: Visit) -> None:
        """Note in the log what was done to a call."""
        if call := self._world.log.find(str(visit.params.get("call_session_id"))):
            call.actions.append(visit.method)

    def _refused(self, refusal: Refusal, method: str, request_id: RequestId | None, account: Account | None) -> Reply:
        metadata = self._metadata(account) if account else None
        error = refusal.error(metadata, self._world.config.help_url)
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id, "error": error}
        return Reply(method=method, result=refusal.name, body=body)

    def _metadata(self, account: Account) -> dict[str, Any]:
        config = self._world.config
        limits = {"limits": account.points.figures(config, self._world.clock.now())}
        if config.latest_version is None:
            return limits
        version = {
            "current_version_depricated": True,  # the vendor's spelling
            "current_version": "v4.0",
            "latest_version": config.latest_version,
        }
        return {"api_version": version, **limits}
