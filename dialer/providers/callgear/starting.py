"""The five ways to start a call, as operations. Parameters are named as in the document, with its defaults.

In all of them `contact` is the number called and `virtual_phone_number` the caller's; in all but the informer call it
may also be the SIP number of an employee, as text; `external_id` is a label of yours
that `list.calls` shows; `dtmf_string` is sent to the contact, `.` in it is a pause of one second; `direction` says how
reports count the call. With `switch_at_once` the sides are connected without waiting for the end of the messages; with
a text as `contact_message` it has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dialer.phone import PhoneNumber
from dialer.providers.callgear.operation import Number, Operation, operation
from dialer.providers.callgear.replies import Placed, placed
from dialer.scripts import Script

Direction = Literal["in", "out"]
UsageRule = Literal["fixed", "fixed_for_numa", "random", "regional_random", "regional_fixed_for_numa"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """An employee by their id; all their active numbers are tried unless one is named."""

    id: int
    phone_number: Number | None = None

    def on_the_wire(self) -> dict[str, object]:
        number = self.phone_number.digits if isinstance(self.phone_number, PhoneNumber) else self.phone_number
        return {name: value for name, value in (asdict(self) | {"phone_number": number}).items() if value is not None}


def _start(name: str, given: Mapping[str, Any]) -> Operation[Placed]:
    """The operation of this name; `given` are its function's `locals()`: parameters, named as in the document."""
    return operation(name, placed, **given)


def start_informer_call(
    *,
    virtual_phone_number: Number,
    contact: Number,
    contact_message: Script,
    dialing_timeout: float = 30,
    external_id: str | None = None,
    dtmf_string: str | None = None,
    direction: Direction = "in",
    virtual_phone_usage_rule: UsageRule | None = None,
) -> Operation[Placed]:
    """Call the contact and play the message; the call ends with it. `dialing_timeout` is in seconds, up to 120."""
    return _start("start.informer_call", locals())


def start_simple_call(
    *,
    virtual_phone_number: Number,
    contact: Number,
    first_call: Literal["contact", "operator"],
    operator: Number,
    switch_at_once: bool = False,
    early_switching: bool = False,
    media_file_id: int | None = None,
    show_virtual_phone_number: bool = True,
    operator_confirmation: str | None = None,
    contact_message: Script | None = None,
    operator_message: Script | None = None,
    external_id: str | None = None,
    dtmf_string: str | None = None,
    direction: Direction = "in",
    virtual_phone_usage_rule: UsageRule | None = None,
) -> Operation[Placed]:
    """Connect the contact with an operator, reached by a number. `operator_confirmation`: a key, or any."""
    return _start("start.simple_call", locals())


def start_employee_call(
    *,
    virtual_phone_number: Number,
    contact: Number,
    first_call: Literal["contact", "employee"],
    employee: Employee,
    switch_at_once: bool = False,
    early_switching: bool = False,
    media_file_id: int | None = None,
    show_virtual_phone_number: bool = True,
    contact_message: Script | None = None,
    employee_message: Script | None = None,
    external_id: str | None = None,
    dtmf_string: str | None = None,
    direction: Direction = "in",
    virtual_phone_usage_rule: UsageRule | None = None,
) -> Operation[Placed]:
    """Connect the contact with an employee, without a scenario."""
    return _start("start.employee_call", locals() | {"employee": employee.on_the_wire()})


def start_scenario_call(
    *,
    virtual_phone_number: Number,
    contact: Number,
    first_call: Literal["contact", "employee"],
    scenario_id: int,
    switch_at_once: bool = False,
    contact_message: Script | None = None,
    employee_message: Script | None = None,
    external_id: str | None = None,
    dtmf_string: str | None = None,
    direction: Direction = "in",
    virtual_phone_usage_rule: UsageRule | None = None,
) -> Operation[Placed]:
    """Connect the contact with whomever a scenario of the client area finds."""
    return _start("start.scenario_call", locals())


def start_vnumber_call(
    *,
    virtual_phone_number: Number,
    contact: Number,
    first_call: Literal["contact", "employee"],
    switch_at_once: bool = False,
    show_virtual_phone_number: bool | None = None,
    contact_message: Script | None = None,
    external_id: str | None = None,
    dtmf_string: str | None = None,
    direction: Direction = "in",
    virtual_phone_usage_rule: UsageRule | None = None,
) -> Operation[Placed]:
    """Connect the contact with whomever the scenario of the virtual number itself finds.

    `show_virtual_phone_number` stands in the document's example only, so it is sent only when given.
    """
    return _start("start.vnumber_call", locals())
