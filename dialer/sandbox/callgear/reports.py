"""The Data API's reports: a call as a row of get.calls_report, and its contact's leg as one of get.call_legs_report.

Fields are those of the vendor's pages. What is known of no call here is null, or an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.conversation import Conversation
from dialer.sandbox.callgear.report_query import LISTS, Row
from dialer.sandbox.callgear.visit import conversation, written
from dialer.sandbox.course import Outcome
from dialer.sandbox.log import PlacedCall

WRITTEN = "%Y-%m-%d %H:%M:%S"
REASONS = {
    Outcome.BUSY: "subscriber_busy",
    Outcome.NO_ANSWER: "subscriber_not_responsible",
    Outcome.REJECTED: "subscriber_disconnects",
    Outcome.ANSWERED: "success_finish",
}
CAUSES = {Outcome.BUSY: 17, Outcome.NO_ANSWER: 19, Outcome.REJECTED: 21, Outcome.ANSWERED: 16}  # Q.850
SOURCES = {
    "start.informer_call": "callapi_informer_call",
    "start.scenario_call": "callapi_scenario_call",
}
OF_CALLS = (
    *("id", "start_time", "finish_time", "virtual_phone_number", "is_transfer", "finish_reason", "direction", "source"),
    *("communication_number", "communication_page_url", "communication_id", "communication_type", "is_lost"),
    *("cpn_region_id", "cpn_region_name", "cpn_country_name", "cpn_country_id", "wait_duration"),
    *("total_wait_duration", "lost_call_processing_duration", "talk_duration", "clean_talk_duration"),
    *("total_duration", "postprocess_duration", "ua_client_id", "ym_client_id", "sale_date", "sale_cost"),
    *("search_query", "search_engine", "referrer_domain", "referrer", "entrance_page", "gclid", "yclid", "ymclid"),
    *("ef_id", "channel", "site_id", "site_domain_name", "campaign_id", "campaign_name", "auto_call_campaign_name"),
    *("visit_other_campaign", "visitor_id", "person_id", "visitor_type", "visitor_session_id", "visits_count"),
    *("visitor_first_campaign_id", "visitor_first_campaign_name", "visitor_city", "visitor_region"),
    *("visitor_country", "visitor_device", "last_answered_employee_id", "last_answered_employee_full_name"),
    *("last_answered_employee_rating", "first_answered_employee_id", "first_answered_employee_full_name"),
    *("scenario_id", "scenario_name", "call_api_external_id", "call_api_request_id", "contact_phone_number"),
    *("contact_full_name", "contact_id", "utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign"),
    *("attributes", "call_records", "voice_mail_records", "tags", "segments", "employees"),
    *("operator_phone_number", "ext_id"),
)
OF_LEGS = (
    *("id", "call_session_id", "start_time", "connect_time", "duration", "total_duration", "finish_reason"),
    *("finish_reason_description", "release_cause_code", "is_failed", "is_talked", "is_operator", "is_coach"),
    *("direction", "calling_phone_number", "called_phone_number", "virtual_phone_number", "employee_id"),
    *("employee_full_name", "contact_phone_number", "contact_id", "contact_full_name"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its fields, and what it tells of a call."""

    fields: tuple[str, ...]
    tell: Callable[[CallGearWorld, PlacedCall], Row]

    def row(self, world: CallGearWorld, call: PlacedCall) -> Row:
        """The call with all fields of the report."""
        blank: Row = {name: [] if name in LISTS else None for name in self.fields}
        return blank | self.tell(world, call)


def _call(world: CallGearWorld, call: PlacedCall) -> Row:
    course, talk, now = call.course, conversation(call), world.clock.now()
    over = course.ended <= now
    talked, until = round(course.seconds_talked) if over else 0, course.ended if over else now
    waited = round(min(until, course.ended if course.answered is None else course.answered) - course.placed)
    return {
        "id": int(call.call_id),
        "call_api_external_id": call.correlation_id,
        "source": SOURCES.get(call.method, "callapi"),
        "direction": talk.direction,
        "communication_type": "call",
        "is_transfer": False,
        "start_time": _written(world, course.placed),
        "finish_time": _written(world, course.ended) if over else None,
        "finish_reason": REASONS[course.outcome] if over else None,
        "is_lost": course.answered is None if over else None,
        "wait_duration": waited,
        "total_wait_duration": waited,
        "talk_duration": talked,
        "clean_talk_duration": talked,
        "total_duration": round(until - course.placed),
        "tags": world.config.office.named_tags(talk.tags_at(course, now)),
        "contact_phone_number": written(call.to),
        "virtual_phone_number": written(call.caller),
        **_of_our_side(talk, answered=over and course.answered is not None),
    }


def _of_our_side(talk: Conversation, *, answered: bool) -> Row:
    """Who talked with the contact, where anybody did."""
    leg = talk.ours
    if leg is None or leg.employee_id is None:
        return {"operator_phone_number": leg.called} if leg else {}
    employee = {"employee_id": leg.employee_id, "employee_full_name": leg.employee_name}
    first_and_last = {
        f"{which}_answered_{name}": value for which in ("first", "last") for name, value in employee.items()
    }
    return {"employees": [{**employee, "is_answered": answered}], **(first_and_last if answered else {})}


def _leg(world: CallGearWorld, call: PlacedCall) -> Row:
    course = call.course
    return {
        "id": int(call.call_id) * 10 + 1,
        "call_session_id": int(call.call_id),
        "start_time": _written(world, course.placed),
        "connect_time": None if course.answered is None else _written(world, course.answered),
        "duration": round(course.seconds_talked),
        "total_duration": round(course.ended - course.placed),
        "finish_reason": REASONS[course.outcome],
        "finish_reason_description": course.outcome.value.replace("_", " "),
        "release_cause_code": CAUSES[course.outcome],
        "is_failed": course.answered is None,
        "is_talked": course.seconds_talked > 0,
        "is_operator": False,
        "is_coach": False,
        "direction": conversation(call).direction,
        "called_phone_number": written(call.to),
        "calling_phone_number": written(call.caller),
        "virtual_phone_number": written(call.caller),
        "contact_phone_number": written(call.to),
    }


def _written(world: CallGearWorld, moment: float) -> str:
    return f"{world.clock.wall(moment):{WRITTEN}}"


REPORTS: Mapping[str, Report] = {
    "get.calls_report": Report(OF_CALLS, _call),
    "get.call_legs_report": Report(OF_LEGS, _leg),
}
