"""CallGear's words and ours. Sold as CallGear, UIS, CoMagic and Novofon, under several hosts and in two languages.

Source: Call API v4.0, "Groups of error codes", "List of errors common for all methods", each method's own list, and
the states of a leg in `list.calls`; English and Russian editions of the documents, older and newer.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.calls import Progress
from dialer.providers.call_management import LegState
from dialer.providers.rules import Rule
from dialer.verdicts import Verdict

# The state of a leg is a sentence for people, in the language of the account; editions differ in their wording.
STATES: Mapping[str, LegState] = {
    "next in line": LegState.QUEUED,
    "queued": LegState.QUEUED,
    "на очереди": LegState.QUEUED,
    "dial": LegState.RINGING,
    "dialing": LegState.RINGING,
    "dialling": LegState.RINGING,
    "redial": LegState.RINGING,  # so the older English edition translates the word for dialling
    "дозвон": LegState.RINGING,
    "talk": LegState.TALKING,
    "talking": LegState.TALKING,
    "conversation": LegState.TALKING,
    "разговор": LegState.TALKING,
    "operators' conversation": LegState.OPERATORS_TALKING,
    "operators talking": LegState.OPERATORS_TALKING,
    "разговор операторов": LegState.OPERATORS_TALKING,
    "on hold": LegState.ON_HOLD,
    "на удержании": LegState.ON_HOLD,
    "transferring call": LegState.TRANSFERRED,
    "call transfer": LegState.TRANSFERRED,
    "перевод вызова": LegState.TRANSFERRED,
    "sending dtmf": LegState.SENDING_KEYS,
    "отправка dtmf": LegState.SENDING_KEYS,
    "receiving fax": LegState.RECEIVING_FAX,
    "receiving a fax": LegState.RECEIVING_FAX,
    "получение факса": LegState.RECEIVING_FAX,
    "fax received": LegState.FAX_RECEIVED,
    "факс получен": LegState.FAX_RECEIVED,
    "sending fax": LegState.SENDING_FAX,
    "sending a fax": LegState.SENDING_FAX,
    "отправка факса": LegState.SENDING_FAX,
    "fax sent": LegState.FAX_SENT,
    "факс отправлен": LegState.FAX_SENT,
    "disconnect": LegState.OVER,
    "disconnected": LegState.OVER,
    "разъединено": LegState.OVER,
}
PROGRESS: Mapping[LegState, Progress] = {
    LegState.QUEUED: Progress.PLACED,
    LegState.RINGING: Progress.RINGING,
    LegState.OVER: Progress.ENDED,
}
"""Where a call is whose participant is in this state; in every other one it was answered."""

_CAMPAIGN, _ACCOUNT, _CONTACT = Verdict.HALT_CAMPAIGN, Verdict.HALT_ACCOUNT, Verdict.REFUSE_CONTACT
_MISFORMED = "our request is not one the API understands"
_PERHAPS = "the provider failed; of a call, its list of calls tells whether it rings"

MNEMONICS: Mapping[str, Rule] = {
    "limit_exceeded": Rule(Verdict.THROTTLED, "the account's points of this minute or day are used up", "-32029"),
    "access_token_expired": Rule(Verdict.LOGIN_AGAIN, "the key has expired; a permanent key must be renewed", "-32001"),
    "access_token_invalid": Rule(Verdict.LOGIN_AGAIN, "the key is not known; a login's key may have ended", "-32001"),
    "internal_error": Rule(Verdict.UNCONFIRMED, _PERHAPS, "-32603"),
    "contact_in_blacklist": Rule(Verdict.SUPPRESS, "the number is on the provider's blacklist", "-32602, -32002"),
    "own_virtual_phone_number_not_allowed": Rule(_CONTACT, "the number is one of the account's own", "-32602"),
    "tts_text_exceeded": Rule(_CONTACT, "the text is longer than the tariff allows", "-32602", blames_script=True),
    "character_encoding_not_allowed": Rule(
        _CONTACT, "the text holds characters that are not UTF-8", "-32602", blames_script=True
    ),
    "media_file_not_found": Rule(_CAMPAIGN, "the account has no such media file", "-32602", blames_script=True),
    "virtual_phone_number_not_found": Rule(_CAMPAIGN, "the caller id is not a number of this account", "-32007"),
    "scenario_not_found": Rule(_CAMPAIGN, "the account has no such scenario", "-32602, -32007"),
    "employee_not_found": Rule(_CAMPAIGN, "the account has no such employee", "-32602"),
    "no_active_phone_number": Rule(_CAMPAIGN, "the employee has no active number", "-32602"),
    "required_parameter_missed": Rule(_CAMPAIGN, "a required parameter is missing", "-32602"),
    "unexpected_parameters": Rule(_CAMPAIGN, "the method does not know a parameter we sent", "-32602"),
    "invalid_parameters_combination": Rule(_CAMPAIGN, "these parameters do not go together", "-32602"),
    "invalid_parameter_value": Rule(_CAMPAIGN, "a parameter's value is not allowed", "-32602"),
    "data_type_error": Rule(_CAMPAIGN, "a parameter is of the wrong type", "-32602"),
    "invalid_state": Rule(_CAMPAIGN, "the call is in a state that does not allow this", "-32004"),
    "coach_not_found": Rule(Verdict.NOT_PLACED, "no coach is set in the client area, and none was named", "-32602"),
    "leg_not_found": Rule(Verdict.NOT_PLACED, "the call has no such participant", "-32602"),
    "tag_not_found": Rule(Verdict.NOT_PLACED, "the account has no such tag", "-32602"),
    "duplicate_tag": Rule(Verdict.NOT_PLACED, "the call has this tag already", "-32602"),
    "duplicate_contact": Rule(Verdict.NOT_PLACED, "the contact is on the provider's blacklist already", "-32602"),
    "record_already_started": Rule(Verdict.NOT_PLACED, "the call is being recorded already", "-32602"),
    "record_already_stopped": Rule(Verdict.NOT_PLACED, "the call is not being recorded", "-32602"),
    "talk_option_not_found": Rule(Verdict.NOT_PLACED, "the key does nothing in the client area", "-32602"),
    "call_session_not_found": Rule(Verdict.NOT_PLACED, "the call is over or was never placed", "-32602"),
    "parse_error": Rule(_CAMPAIGN, _MISFORMED, "-32700"),
    "invalid_request": Rule(_CAMPAIGN, _MISFORMED, "-32600"),
    "method_not_found": Rule(_ACCOUNT, "this address does not offer the method: correct base_url", "-32601"),
    "batch_operations_not_supported": Rule(_CAMPAIGN, _MISFORMED, "-32099"),
    "batch_opreations_not_supported": Rule(_CAMPAIGN, _MISFORMED, "-32099"),  # so older editions spell it
    "notifications_not_supported": Rule(_CAMPAIGN, _MISFORMED, "-32099"),
    "auth_error": Rule(_ACCOUNT, "login or password is wrong", "-32001"),
    "access_token_blocked": Rule(_ACCOUNT, "the access key is blocked", "-32001"),
    "ip_not_whitelisted": Rule(_ACCOUNT, "this machine's IP address is not on the account's white list", "-32003"),
    "forbidden": Rule(_ACCOUNT, "the user has no right to call through the API", "-32003"),
    "component_disabled": Rule(_ACCOUNT, "the tariff component for this method is switched off", "-32008"),
    "method_component_disabled": Rule(_ACCOUNT, "the tariff component for this method is switched off", "-32008"),
    "parameter_component_disabled": Rule(_CAMPAIGN, "the component for a parameter is switched off", "-32008"),
    "account_inactive": Rule(_ACCOUNT, "the account is disabled", "-32009"),
}

# For a mnemonic that is not in the table: the document groups its errors by code.
GROUPS: Mapping[int, Rule] = {
    -32700: Rule(_CAMPAIGN, _MISFORMED),
    -32600: Rule(_CAMPAIGN, _MISFORMED),
    -32601: Rule(_ACCOUNT, "this address does not offer the method: correct base_url"),
    -32602: Rule(_CAMPAIGN, "the provider refuses a parameter"),
    -32603: Rule(Verdict.UNCONFIRMED, _PERHAPS, name="internal_error"),
    -32001: Rule(_ACCOUNT, "the provider does not accept the account's credentials"),
    -32002: Rule(_CONTACT, "the account's security rules forbid calls to this number"),
    -32003: Rule(_ACCOUNT, "access denied"),
    -32004: Rule(_CAMPAIGN, "the call is in a state that does not allow this"),
    -32007: Rule(_CAMPAIGN, "something is wrong with the caller id"),
    -32008: Rule(_ACCOUNT, "a tariff component is switched off"),
    -32009: Rule(_ACCOUNT, "something is wrong with the account"),
    -32029: Rule(Verdict.THROTTLED, "a limit of the account is used up"),
    -32099: Rule(_CAMPAIGN, _MISFORMED),
}

UNKNOWN = Rule(Verdict.UNCONFIRMED, "the provider's answer is an error that no document lists")

# These two blame a parameter by name, and only the contact's own number is the contact's own fault.
BLAMING = frozenset({"invalid_parameter_value", "data_type_error"})
BLAMES_CONTACT = Rule(_CONTACT, "the provider does not accept the contact's number")


def leg_state(state: str) -> LegState | None:
    """What a leg's state means; None for one that no edition lists."""
    return STATES.get(" ".join(state.replace("’", "'").casefold().rstrip(". ").split()))


def progress_of(state: str) -> Progress | None:
    """Where a leg in this state is; None for a state that no edition lists."""
    meant = leg_state(state)
    return None if meant is None else PROGRESS.get(meant, Progress.ANSWERED)
