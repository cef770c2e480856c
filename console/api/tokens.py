"""Tokens, and the audit: what whoever administers this installation sees."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from campaigns.ledger.audit_chain.verifying import ChainFault, verify
from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Scope, Token
from campaigns.reporting.audit_trail import AuditFilter, audit_after
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.cursors import After, Limit, Page, moment_and_row_after, page_of
from console.server.moments import Moment
from console.server.state import InjectedState

router = api_router("administration")

Word = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]


class TokenState(BaseModel):
    """A token without its secret."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    scopes: list[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class CreatedToken(TokenState):
    """A new token, with its secret."""

    token: str = Field(description="Shown this once: only its hash is kept.")


class NewToken(BaseModel):
    """What a new token may do, and until when."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=60)
    scopes: list[Scope] = Field(max_length=len(Scope))
    expires_at: Moment | None = None


class AuditEntry(BaseModel):
    """One line of the audit."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    who: str = Field(description="A user, `token NAME`, a schedule, or the program itself.")
    event: str
    campaign: str | None
    detail: str


class AuditVerification(BaseModel):
    """Whether the audit is as it was written, and what is wrong with the first line that is not."""

    intact: bool
    fault: ChainFault | None
    place: int | None = Field(description="Of the first line that is not as it was, in the chain.")
    id: int | None = Field(description="Of that line; of the next one where it was removed.")
    at: datetime | None
    chained: int = Field(description="Lines that are as they were, up to the first that is not.")
    removed: int = Field(description="Lines before them that were removed because they were old.")
    waiting: int = Field(description="Lines of the last seconds, which are not chained yet.")
    backdated: int = Field(description="Chained lines dated an hour or more before a line ahead of them.")
    head: str | None = Field(description="The chain's end, as PLACE:HASH: note it elsewhere.")


async def wanted_lines(
    campaign: Word = None,
    who: Word = None,
    event: Word = None,
    since: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> AuditFilter:
    """Which lines of the audit are asked for."""
    return AuditFilter(campaign=campaign, who=who, event=event, since=since, until=until)


Wanted = Annotated[AuditFilter, Depends(wanted_lines)]


@router.get("/tokens", **needs(Scope.ADMIN))
def list_tokens(state: InjectedState) -> Page[TokenState]:
    """All tokens, the newest first; those that were revoked or have ended too."""
    return Page(items=[TokenState.model_validate(token) for token in api_tokens.listed(state.ledger)], next=None)


@router.post("/tokens", **needs(Scope.ADMIN, status=201))
def create_token(given: NewToken, state: InjectedState, caller: InjectedCaller) -> CreatedToken:
    """A new token. No caller makes one that may do more than itself."""
    for scope in given.scopes:
        caller.require(scope)
    token, secret = api_tokens.create(
        state.ledger, given.name, given.scopes, expires_at=given.expires_at, who=caller.name, now=state.clock()
    )
    return CreatedToken(**_facts(token), token=secret)


@router.delete("/tokens/{name}", **needs(Scope.ADMIN))
def revoke_token(name: str, state: InjectedState, caller: InjectedCaller) -> TokenState:
    """Let a token be good for nothing: here from the next request on, at other consoles half a second later."""
    revoked = api_tokens.revoke(state.ledger, name, who=caller.name, now=state.clock())
    state.tokens.forget()
    return TokenState.model_validate(revoked)


@router.get("/audit", **needs(Scope.ADMIN))
def list_audit(
    state: InjectedState,
    caller: InjectedCaller,
    wanted: Wanted,
    limit: Limit = 100,
    after: After = None,
) -> Page[AuditEntry]:
    """Who did what, the latest first: the lines that meet all of what is given."""
    start, numbers = moment_and_row_after(after), caller.may(Scope.NUMBERS)
    with state.ledger.reading() as db:
        rows = audit_after(db, wanted, after=start, limit=limit + 1, numbers=numbers)
    return page_of(rows, limit, AuditEntry.model_validate, lambda row: (row.at.isoformat(), row.id))


@router.get("/audit/verify", **needs(Scope.ADMIN))
def verify_audit(state: InjectedState) -> AuditVerification:
    """Whether the audit's lines are as they were written. It reads them all."""
    result = verify(state.ledger)
    return AuditVerification(intact=result.fault is None, **asdict(result) | {"head": result.head and str(result.head)})


def _facts(token: Token) -> dict[str, object]:
    return TokenState.model_validate(token).model_dump()
