"""The accounts' page: every limit at this moment, who waits, and what keeps an account from dialing."""

from __future__ import annotations

from fastapi import HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.operations import control
from campaigns.operations.people import Role
from campaigns.safeguards.account_troubles import AccountTroubles, troubles_by_account
from console.account_limits import LimitLine, limits_now
from console.pages.language import gettext, ngettext
from console.pages.rendering import render
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import InjectedState
from dialer.bucket import LimitName

REFRESH_SECONDS = 2
PACED = {LimitName.PACE, LimitName.MINUTE_PACED}

router = page_router()


@router.get("/accounts", **for_role(Role.VIEWER))
def show_accounts(request: Request, state: InjectedState, person: InjectedPerson, resumed: int | None = None) -> str:
    """Each account of the settings: what of its limits is used and left, who waits, and why it does not dial."""
    with state.ledger.reading() as db:
        troubles = troubles_by_account(db)
    accounts = [
        (limits, state.settings.accounts[limits.account], troubles.get(limits.account, AccountTroubles()))
        for limits in limits_now(state.buckets)
    ]
    notice = None
    if resumed is not None:
        words = ngettext("{count} campaign goes on.", "{count} campaigns go on.", resumed)
        notice = words.format(count=resumed) if resumed else gettext("No campaign was left to resume.")
    return render(
        "accounts.html",
        request,
        accounts=accounts,
        may_resume=person.has_role(Role.ADMIN),
        used_share=used_share,
        amount=amount,
        duration=duration,
        notice=notice,
        every=REFRESH_SECONDS,
    )


@router.post("/accounts/{name}/resume", **for_role(Role.ADMIN))
def resume_account(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Dial again for the campaigns that were paused because this account could not. Pressed twice, nothing more."""
    if name not in state.settings.accounts:
        raise HTTPException(404, f"there is no account {name[:60]!r}")
    resumed = control.resume_halted(state.ledger, name, who=person.name, now=state.clock())
    return RedirectResponse(f"/accounts?resumed={len(resumed)}", 303)


def used_share(line: LimitLine) -> float | None:
    """How much of a limit is used, in percent; None where nothing is counted."""
    if line.used is None or not line.of or line.limit in PACED:
        return None
    return min(100.0, 100 * line.used / line.of)


def amount(line: LimitLine, value: float | None) -> str:
    """A number of points or calls, or a pace; a dash where nothing is counted."""
    if value is None:
        return "–"
    if line.limit in PACED and value == line.of:
        return gettext("{number} a second").format(number=f"{value:.3g}")
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours, whichever is short."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return gettext("now")
    if seconds < 120:
        return gettext("{number} s").format(number=f"{seconds:.0f}")
    if seconds < 7200:
        return gettext("{number} min").format(number=f"{seconds / 60:.0f}")
    return gettext("{number} h").format(number=f"{seconds / 3600:.1f}")
