"""`retry`: when a contact is called again, and which verdicts a campaign changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from campaigns.definition.field_types import Delays, OneOrMore, Share
from campaigns.definition.sections.section import Section
from dialer.calls import Outcome
from dialer.field_errors import field_error
from dialer.retry import RetryPolicy
from dialer.verdicts import FIXED_VERDICTS, Ruling, Verdict

# Verdicts that a campaign file cannot ask for, with the reason.
DISALLOWED_VERDICTS = {
    "placed": "only the provider can say that a call was placed",
    "unconfirmed": "only silence makes a call unconfirmed, and such a call is settled, never dialed again",
    "not_sent": "only a request that we held back ourselves is that",
    "login_again": "a login is renewed by itself, once",
    "throttled": "only the provider's limit says how long to wait",
}
ALLOWED_VERDICTS = tuple(verdict.value for verdict in Verdict if verdict.value not in DISALLOWED_VERDICTS)


def _verdict(text: str) -> str:
    if text in ALLOWED_VERDICTS:
        return text
    choices = f"write {' or '.join(ALLOWED_VERDICTS)}"
    if why := DISALLOWED_VERDICTS.get(text):
        raise field_error(f"cannot be {text}: {why}", choices)
    raise field_error(f'"{text}" is no verdict', choices)


WrittenVerdict = Annotated[str, AfterValidator(_verdict), WithJsonSchema({"enum": list(ALLOWED_VERDICTS)})]


class AnsweredShort(Section):
    """When an answered call was too short to have been heard, and when to call again then."""

    under: Annotated[Share, Field(gt=0)] = Field(
        description="The share of one saying of the text below which a call is short: 50%."
    )
    then: Annotated[Delays, Field(min_length=1)] = Field(description="Waits after a short call: [1h].")


class Retry(Section):
    """When to try again: for each outcome, the waits after its first, second, … time, from the end of the call."""

    max_attempts: Annotated[int, Field(ge=1, le=50)] = Field(
        description="Calls that a contact gets at the most, whatever their outcomes."
    )
    busy: Delays = Field((), description="Waits after busy: [5m, 15m].")
    no_answer: Delays = Field((), description="Waits after no answer: [30m, 2h].")
    rejected: Delays = Field((), description="Waits after the call was declined.")
    failed: Delays = Field((), description="Waits after a call that the network failed to deliver.")
    answered_short: AnsweredShort | None = Field(
        None,
        description="Calls that were answered and soon over: {under: 50%, then: [1h]}. Without it whoever answers is "
        "called no more.",
    )
    other_part_of_day: OneOrMore[Literal["busy", "no_answer", "rejected", "failed"]] = Field(
        (),
        description="Outcomes after which the next try comes in another part of the day: before noon, until 17:00, "
        "after it.",
    )
    mnemonics: dict[str, WrittenVerdict] = Field(
        default_factory=dict,
        description="What to do after a word of the provider's instead of what `dialer policy` says: "
        "{media_file_not_found: refuse_contact}.",
    )

    def override_ruling(self, ruling: Ruling) -> Ruling:
        """The ruling with the verdict that `mnemonics` has for its mnemonic. `FIXED_VERDICTS` are never changed."""
        verdict = self.mnemonics.get(ruling.mnemonic or "")
        if verdict is None or ruling.verdict in FIXED_VERDICTS:
            return ruling
        return replace(ruling, verdict=Verdict(verdict), blames_script=False, retry_after=None)

    def policy(self) -> RetryPolicy:
        """The retry policy of these delays."""
        outcomes = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED, Outcome.FAILED)
        delays = {outcome: getattr(self, outcome.value) for outcome in outcomes}
        return RetryPolicy(max_attempts=self.max_attempts, delays=delays)
