"""`/healthz`: this process answers; `/readyz`: calls can be placed and receipts stored. Both are for everybody."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from campaigns.reporting.surroundings import TroubleKind
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError
from dialer.log import get_logger

OF_REDIS = {TroubleKind.NO_STACK, TroubleKind.REDIS_AWAY, TroubleKind.REDIS_REFUSES}

log = get_logger()
router = APIRouter()


class Part(StrEnum):
    """What may be asked for."""

    LEDGER = "ledger"  # it answers: pages and receipts need no more
    REDIS = "redis"  # it answers and takes writes
    TICK = "tick"  # release ticks come, and the workers can use the ledger


@router.get("/healthz")
def healthz() -> JSONResponse:
    """200 as long as the console runs: started anew it would not do better."""
    return JSONResponse({"ok": True})


@router.get("/readyz")
def readyz(state: InjectedState, need: Annotated[list[Part] | None, Query()] = None) -> JSONResponse:
    """200 when every part that is needed is ready, else 503 that names those that are not; details are in the log."""
    parts = need or list(Part)
    missing = {part: why for part in parts if (why := _missing(part, state))}
    if missing:
        log.error("not ready", missing=missing)
    facts: dict[str, object] = {"ready": not missing, "missing": sorted(missing)}
    if Part.TICK in parts:
        facts["tick_seconds"] = state.inspection.tick_age()
    return JSONResponse(facts, 503 if missing else 200)


def _missing(part: Part, state: AppState) -> str:
    """Why a part is not ready; blank when it is."""
    if part is Part.LEDGER:
        try:
            state.ledger.check()
        except Exception as exc:
            return exc.message if isinstance(exc, DialerError) else type(exc).__name__
        return ""
    trouble = state.surroundings.look()
    concerns = trouble is not None and (part is Part.TICK or trouble.kind in OF_REDIS)
    return trouble.words if trouble and concerns else ""
