"""The pages of calls on the line: who is being called now, and what can be done with one of the calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

from anyio import to_thread
from fastapi import HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from campaigns.ledger.numbers.erasures import shown_number
from campaigns.lifecycle import AttemptStatus
from campaigns.operations import live_calls
from campaigns.operations.live_calls import ACTIONS, MAX_ID, SHORTEST_NUMBER
from campaigns.operations.people import Role
from campaigns.reporting.listings import CallOnTheLine, calls_on_the_line
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.cursors import After, moment_and_uuid_after, page_of
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError
from dialer.live_calls import LiveCall, leg_state
from dialer.phone import mask

CALLS_SHOWN = 100
REFRESH_SECONDS = 2
BLOCK = "block"

router = page_router()

Session = Annotated[int, Path(ge=1, le=MAX_ID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """A call as the page shows it; `session` is there where something can be done with it."""

    account: str
    campaign: str | None
    phone: str
    since: datetime | None
    state: str
    session: int | None


@router.get("/calls", **for_role(Role.VIEWER))
def show_calls(request: Request, state: InjectedState, after: After = None) -> str:
    """The calls of all campaigns, the latest first, each with its state; then the other calls of the accounts."""
    start = moment_and_uuid_after(after)
    with state.ledger.reading() as db:
        rows = calls_on_the_line(db, limit=CALLS_SHOWN + 1, after=start)
    page = page_of(rows, CALLS_SHOWN, lambda call: call, lambda call: (call.at.isoformat(), str(call.id)))
    busy = {call.account for call in rows}
    manageable = state.call_looks.manageable
    looks = {name: state.call_looks.calls(name, busy=name in busy) for name in manageable}
    listed = {call.external_id: call for look in looks.values() for call in look.items if call.external_id}
    ours = {str(call.id) for call in rows}
    others = [
        _of_others(name, call, state)
        for name, look in looks.items()
        for call in look.items
        if call.external_id not in ours and not _is_ours(call)
    ]
    return render(
        "calls.html",
        request,
        calls=[_shown(call, listed.get(str(call.id)), state) for call in page.items],
        others=[] if after else others[:CALLS_SHOWN],
        troubles={name: look.trouble for name, look in looks.items() if look.trouble},
        newest="/calls" if after else None,
        older=f"/calls?{urlencode({'after': page.next})}" if page.next else None,
        every=REFRESH_SECONDS,
    )


@router.get("/calls/{account}/{session}", **for_role(Role.VIEWER))
def show_call(
    account: str,
    session: Session,
    request: Request,
    state: InjectedState,
    done: Annotated[str | None, Query(max_length=20)] = None,
) -> str:
    """One call: who takes part in it, and the forms for what can be done with it."""
    return _call_page(request, state, account, session, notice=_notice(done))


@router.post("/calls/{account}/{session}/{action}", **for_role(Role.SENDER))
async def manage_call(
    account: str, session: Session, action: str, request: Request, state: InjectedState, person: InjectedPerson
) -> Response:
    """Do something with a call, then show it again; or what the provider answered, with what was typed."""
    typed = {name: value.strip() for name, value in (await request.form()).items() if isinstance(value, str)}
    return await to_thread.run_sync(_manage, request, state, account, session, action, typed, person.name)


def _manage(
    request: Request, state: AppState, account: str, session: int, action: str, typed: Mapping[str, str], who: str
) -> Response:
    if action != BLOCK and action not in ACTIONS:
        raise HTTPException(404, "there is nothing here")
    _require_manageable(state, account)
    given = {name: value for name, value in typed.items() if value and name != "token"}
    call = live_calls.find(state.ledger, state.call_looks.accounts, session, account)
    now = state.clock()
    try:
        if action == BLOCK:
            live_calls.block(state.ledger, call, who=who, now=now)
        else:
            kind, act, _ = ACTIONS[action]
            values = kind.model_validate(given)
            live_calls.act(
                state.ledger, call, f"call {action}", lambda calls: act(calls, session, values), who=who, now=now
            )
    except ValidationError as exc:
        fault = {action: _fault(exc)}
        return HTMLResponse(_call_page(request, state, account, session, faults=fault, typed=typed), 422)
    except DialerError as exc:
        state.call_looks.forget(account)
        words = exc.message.removeprefix(f"call {session}: ")  # whose page it is
        trouble = with_remedy(words, exc.remedy)
        return HTMLResponse(_call_page(request, state, account, session, trouble=trouble, typed=typed), 409)
    state.call_looks.forget(account)
    return RedirectResponse(f"/calls/{quote(account)}/{session}?done={action}", 303)


def _call_page(request: Request, state: AppState, account: str, session: int, **facts: Any) -> str:
    _require_manageable(state, account)
    call = live_calls.find(state.ledger, state.call_looks.accounts, session, account)
    look = state.call_looks.calls(account, busy=True)
    listed = next((one for one in look.items if one.call_session_id == session), None)
    options = state.call_looks.talk_options(account).items if listed else ()
    shown = {"trouble": look.trouble, "notice": None, "faults": {}, "typed": {}} | facts
    return render(
        "call.html",
        request,
        account=account,
        session=session,
        campaign=call.campaign_id,
        phone=shown_number(call.phone) if call.phone else _masked(listed.contact_phone_number if listed else None),
        call=listed,
        options=options,
        masked=_masked,
        state_words=partial(_leg_words, state, account),
        every=REFRESH_SECONDS if request.method == "GET" else None,
        **shown,
    )


def _require_manageable(state: AppState, account: str) -> None:
    if account not in state.call_looks.manageable:
        raise HTTPException(404, f"the calls of account {account[:60]} cannot be managed")


def _shown(call: CallOnTheLine, listed: LiveCall | None, state: AppState) -> ShownCall:
    known = call.session if call.session and call.session.isdecimal() else None
    session = listed.call_session_id if listed else int(known) if known else None
    return ShownCall(
        account=call.account,
        campaign=call.campaign,
        phone=call.phone,
        since=call.answered_at or call.at,
        state=_state_of(listed, call.account, state) or _state_words(call.status),
        session=session if call.account in state.call_looks.manageable else None,
    )


def _of_others(account: str, call: LiveCall, state: AppState) -> ShownCall:
    return ShownCall(
        account=account,
        campaign=None,
        phone=_masked(call.contact_phone_number),
        since=None,
        state=_state_of(call, account, state),
        session=call.call_session_id,
    )


def _state_of(call: LiveCall | None, account: str, state: AppState) -> str:
    """What each participant does."""
    words = [_leg_words(state, account, leg.state) for leg in call.legs if leg.state] if call else []
    return ", ".join(dict.fromkeys(words))


def _leg_words(state: AppState, account: str, written: str) -> str:
    """What a participant's state means; the provider's own word where that is not known."""
    meant = leg_state(state.call_looks.accounts[account], written)
    return gettext(meant.value) if meant else written


def _state_words(status: AttemptStatus) -> str:
    words = {
        AttemptStatus.DIALING: gettext("is being requested"),
        AttemptStatus.UNCONFIRMED: gettext("may be ringing: the provider has not said"),
        AttemptStatus.PLACED: gettext("is on its way, or rings"),
        AttemptStatus.ANSWERED: gettext("was answered, and goes on"),
    }
    return words.get(status, status)


def _is_ours(call: LiveCall) -> bool:
    """Whether its external id is one that we gave: a call of ours, which another part of the list shows."""
    try:
        return bool(UUID(call.external_id or ""))
    except ValueError:
        return False


def _masked(number: str | None) -> str:
    """A number for the screen; an extension, which is nobody's phone number, as it is."""
    if not number:
        return ""
    return number if len(number) < SHORTEST_NUMBER else mask("+" + number.lstrip("+"))


def _fault(exc: ValidationError) -> str:
    first = exc.errors()[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return gettext("fill in this field: {field}").format(field=field)
    if first["type"] in ("string_pattern_mismatch", "int_parsing"):
        return gettext("this does not fit: {field}").format(field=field)
    return first["msg"].removeprefix("Value error, ")


def _notice(done: str | None) -> str | None:
    if done is None or (done != BLOCK and done not in ACTIONS):
        return None
    return gettext("Done.")
