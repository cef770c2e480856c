"""A CallGear client area: employees, scenarios, tags, talk options, the coach – what the API's ids lead to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dialer.sandbox.numbers import OWN_NUMBERS

MEDIA_ID = re.compile(r"[1-9][0-9]{0,3}")
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
Line = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Employee(_Part):
    """An employee, their active numbers (telephones and extensions), and their SIP numbers."""

    name: str
    numbers: tuple[Line, ...] = ()
    sip: tuple[Line, ...] = ()


class TalkOption(_Part):
    """What a key does during a talk."""

    button: str
    mnemonic: str
    name: str
    id: int | None = None
    value: str | None = None


OPTIONS = (
    TalkOption(button="1", mnemonic="tag_call", name="Tag", id=254, value="Relevant"),
    TalkOption(button="2", mnemonic="record_talk", name="Voice recorder"),
    TalkOption(button="3", mnemonic="call_coach", name="Call coach"),
    TalkOption(button="4", mnemonic="run_scenario", name="Run scenario", id=23456, value="Support"),
    TalkOption(button="5", mnemonic="transfer_call", name="Transfer"),
    TalkOption(button="6", mnemonic="receive_fax", name="Receive fax"),
    TalkOption(button="7", mnemonic="save_numa", name="Save AON to a group"),
    TalkOption(button="0", mnemonic="finish_conversation", name="Finish conversation"),
)


class Office(_Part):
    """Everything of a client area that the Call API uses. Ids are those of the vendor's examples."""

    employees: dict[int, Employee] = Field(
        {25: Employee(name="Test", numbers=("79260000001", "101"), sip=("test.sip",)), 26: Employee(name="Nobody")},
        description="Employees by id, with their numbers and SIP numbers; 26 has no active number.",
    )
    scenarios: frozenset[int] = Field(frozenset({23456}), description="Ids of scenarios.")
    without_scenario: frozenset[str] = Field(
        frozenset({"18005550109"}), description="Virtual numbers that have no scenario of their own."
    )
    tags: dict[int, str] = Field(
        {36: "Important", 254: "Relevant", 456: "Relevant", 361: "Confirmed", 362: "Cancelled", 369: "Do not call"},
        description="Tags by id, with their names.",
    )
    tags_of_keys: dict[str, int] = Field(
        {"1": 361, "2": 362, "9": 369}, description="Ids of the tags that a scenario sets for the keys people press."
    )
    talk_options: tuple[TalkOption, ...] = Field(OPTIONS, description="What keys do during a talk.")
    forbidden_prefixes: tuple[Digits, ...] = Field(
        (), description="Numbers that begin so are not called: the security rules prohibit the direction (-32002)."
    )
    coach: Line | None = Field("102", description="The coach of the client area; null: there is none.")
    media_files: frozenset[int] | None = Field(None, description="Ids of media files; null: 1 to 9999.")
    virtual_numbers: frozenset[str] = Field(
        frozenset(), description="Virtual numbers beside the sandbox's own, as digits."
    )
    session_seconds: Annotated[float, Field(gt=0)] = Field(
        3600.0, description="Sandbox seconds that a login's key lives."
    )
    record_all: bool = Field(False, description="Whether every talk is recorded, so that recording cannot be stopped.")
    talk_seconds: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Sandbox seconds that connected people talk, after the messages."
    )

    def named_tags(self, tags: Iterable[int]) -> list[dict[str, Any]]:
        """Tags, given by their ids, as the APIs list them: with their names."""
        return [{"tag_id": tag, "tag_name": self.tags.get(tag, "")} for tag in tags]

    def has_media(self, media_id: str) -> bool:
        """Whether there is a media file of this id."""
        known = MEDIA_ID.fullmatch(media_id) is not None
        return known and (self.media_files is None or int(media_id) in self.media_files)

    def owns(self, number: str) -> bool:
        """Whether a number, as digits, is one of the account's virtual numbers."""
        return f"+{number}" in OWN_NUMBERS or number in self.virtual_numbers

    def is_active(self, line: str) -> bool:
        """Whether a call to this line can be made: any other than a telephone is an employee's, or the coach's."""
        if is_telephone(line):
            return not line.endswith("5550118")
        lines = (line in (*employee.numbers, *employee.sip) for employee in self.employees.values())
        return line == self.coach or any(lines)

    def has_sip(self, line: str) -> bool:
        """Whether it is the SIP number of an employee."""
        return any(line in employee.sip for employee in self.employees.values())

    def forbids(self, line: str) -> bool:
        """Whether the security rules prohibit calls in its direction."""
        return is_telephone(line) and line.startswith(self.forbidden_prefixes)

    def option_at(self, button: str) -> TalkOption | None:
        """What this key does during a talk; None where it does nothing."""
        return next((option for option in self.talk_options if option.button == button), None)


def is_telephone(line: str) -> bool:
    """Whether a line is a telephone: its number is digits, and longer than an extension."""
    return line.isascii() and line.isdigit() and len(line) > 6
