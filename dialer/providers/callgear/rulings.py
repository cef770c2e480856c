"""What CallGear's answers mean: faults by mnemonic, then by group of code, then by HTTP status."""

from __future__ import annotations

from collections.abc import Iterator

from dialer.http import HttpReply
from dialer.providers.callgear.rpc import Answer, Fault
from dialer.providers.callgear.words import BLAMES_CONTACT, BLAMING, GROUPS, MNEMONICS, UNKNOWN
from dialer.providers.parsing import member, scrubbed, word
from dialer.providers.provider import ANY_OTHER, PolicyRow
from dialer.providers.rules import WORDLESS, Rule, by_status
from dialer.verdicts import Meter, Ruling, Verdict

A_MINUTE, AN_HOUR = 60.0, 3600.0
_DAYS = ("day", "сут", "ден", "дня")


def ruling_of(answer: Answer, reply: HttpReply, *, renewable: bool) -> Ruling:
    """The ruling on a reply that holds no success; `renewable` says that a login can replace the key."""
    if answer.fault is None:
        return _unspoken(answer, reply)
    fault = answer.fault
    rule = _rule(fault)
    verdict = rule.verdict
    if verdict is Verdict.LOGIN_AGAIN and not renewable:
        verdict = Verdict.HALT_ACCOUNT
    return Ruling(
        verdict=verdict,
        mnemonic=None if rule is UNKNOWN else fault.mnemonic or rule.name or None,
        code=_code(fault, rule, reply),
        detail=_detail(fault, rule),
        field=fault.field,
        blames_script=rule.blames_script,
        retry_after=_wait(fault, answer.meter) if verdict is Verdict.THROTTLED else None,
        meter=answer.meter,
        charged=False,
    )


def accepted(answer: Answer, provider_call_id: str | None = None) -> Ruling:
    """The ruling on a success: only these cost points."""
    return Ruling(verdict=Verdict.PLACED, provider_call_id=provider_call_id, meter=answer.meter, charged=True)


def rows() -> Iterator[PolicyRow]:
    """The whole table, for people."""
    for mnemonic, rule in MNEMONICS.items():
        yield PolicyRow(mnemonic=mnemonic, code=rule.code, verdict=rule.verdict, note=rule.note)
    for mnemonic in sorted(BLAMING):
        name, rule = f"{mnemonic} on contact", BLAMES_CONTACT
        yield PolicyRow(mnemonic=name, code="-32602", verdict=rule.verdict, note=rule.note)
    ours = "our own check: the document does not allow this, so nothing was sent"
    yield PolicyRow(mnemonic="bad_parameter", code="–", verdict=Verdict.HALT_CAMPAIGN, note=ours)
    for code, rule in GROUPS.items():
        yield PolicyRow(mnemonic=ANY_OTHER, code=str(code), verdict=rule.verdict, note=rule.note)
    yield PolicyRow(mnemonic=ANY_OTHER, code=ANY_OTHER, verdict=UNKNOWN.verdict, note=UNKNOWN.note)
    for status, rule in WORDLESS.items():
        yield PolicyRow(mnemonic=f"http_{status}", code=str(status), verdict=rule.verdict, note=rule.note)


def _rule(fault: Fault) -> Rule:
    mnemonic = (fault.mnemonic or "").casefold()
    if mnemonic in BLAMING and _last_part(fault.field) == "contact":
        return BLAMES_CONTACT
    return MNEMONICS.get(mnemonic) or GROUPS.get(fault.code or 0, UNKNOWN)


def _code(fault: Fault, rule: Rule, reply: HttpReply) -> str | None:
    """Its number; of an error that no document lists there is always one, for it was an answer."""
    if fault.code is not None:
        return str(fault.code)
    return str(reply.status) if rule is UNKNOWN else None


def _last_part(field: str | None) -> str:
    return (field or "").rpartition(".")[2]


def _detail(fault: Fault, rule: Rule) -> str:
    known = (fault.mnemonic or "").casefold() in MNEMONICS
    text = "" if known else scrubbed(fault.message)
    if rule is UNKNOWN:
        text = ": ".join(part for part in (scrubbed(fault.mnemonic), text) if part)
    named = f" ({fault.field})" if fault.field and known else ""
    more = f"; more at {fault.help_url}" if fault.help_url else ""
    return f"{rule.note}{named}" + (f": {text}" if text else "") + more


def _unspoken(answer: Answer, reply: HttpReply) -> Ruling:
    if answer.spoke:
        return Ruling(
            verdict=Verdict.UNCONFIRMED,
            code=str(reply.status),
            detail=f"the provider accepted the request without saying what became of it (HTTP {reply.status})",
            meter=answer.meter,
        )
    return by_status(reply)


def _wait(fault: Fault, meter: Meter | None) -> float:
    """Seconds until the exhausted window starts anew. How the window is named is not documented, so read it kindly."""
    known = meter or Meter()
    kind = (word(member(fault.params, "limit_type")) or "").casefold()
    daily = any(stem in kind for stem in _DAYS) if kind else known.day_remaining == 0
    wait, otherwise = (known.day_reset, AN_HOUR) if daily else (known.minute_reset, A_MINUTE)
    return otherwise if wait is None else max(0.0, wait)
