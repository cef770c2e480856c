"""Webex Connect's words and ours; the same platform was called imiconnect.

Source: "Make Call", its response and error codes; Webex Connect's "Channel specific status codes" (voice, common,
contact policy), "Voice" outbound webhooks and "Get voice call status", documentation version 6.20.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.calls import Outcome, Progress
from dialer.providers.rules import WORDLESS, Rule
from dialer.verdicts import Verdict

_CAMPAIGN, _ACCOUNT, _CONTACT = Verdict.HALT_CAMPAIGN, Verdict.HALT_ACCOUNT, Verdict.REFUSE_CONTACT
_EXPIRED = "the request expired before it was dialed"
_LATER = "the provider failed and wants to be asked again later"

# The platform has codes and no mnemonics; the names are ours.
CODES: Mapping[str, Rule] = {
    "7000": Rule(_CAMPAIGN, "our request is not JSON to the provider", name="invalid_json"),
    "7001": Rule(_ACCOUNT, "the provider does not accept the service key", name="authentication_failed"),
    "7002": Rule(_ACCOUNT, "the service key is missing", name="service_key_missing"),
    "7003": Rule(_CAMPAIGN, "a mandatory parameter is missing", name="parameter_missing"),
    "7004": Rule(_CAMPAIGN, "a parameter's value is not allowed", name="invalid_parameter"),
    "7005": Rule(Verdict.NOT_PLACED, _EXPIRED, name="request_expired"),
    "7006": Rule(Verdict.NOT_PLACED, _LATER, name="internal_error"),
    "7007": Rule(_ACCOUNT, "the service is not active", name="service_inactive"),
    "7009": Rule(Verdict.THROTTLED, "more destinations at once than the tenant may call", name="too_many_destinations"),
    "7016": Rule(Verdict.NOT_PLACED, _LATER, name="unknown_exception"),
    "7020": Rule(Verdict.THROTTLED, "the tenant's transactions per second are used up", name="transaction_limit"),
    "7022": Rule(_CAMPAIGN, "the request is too large", name="json_too_large"),
    "7101": Rule(_CAMPAIGN, "the caller id is not a number of this account", name="invalid_sender"),
    "7102": Rule(_CONTACT, "the provider does not accept the contact's number", name="invalid_destination"),
    "7104": Rule(_ACCOUNT, "the service key belongs to no application", name="invalid_app"),
    "7107": Rule(_CONTACT, "the text is longer than allowed", name="text_too_long", blames_script=True),
    "7108": Rule(_CAMPAIGN, "the template does not exist", name="invalid_template", blames_script=True),
    "7126": Rule(_CAMPAIGN, "the content is of a type that voice does not take", name="invalid_content_type"),
    "7127": Rule(_ACCOUNT, "this machine's IP address is not on the service's allow-list", name="ip_not_allowed"),
    "7208": Rule(Verdict.NOT_PLACED, _EXPIRED, name="message_expired"),
    "8009": Rule(_ACCOUNT, "the profile does not exist for this tenant", name="profile_not_found"),
    "9000": Rule(_CAMPAIGN, "the tenant has no contact policy", name="policy_not_enabled"),
    "9001": Rule(_CAMPAIGN, "the contact policy asks for parameters we do not send", name="policy_inputs_missing"),
    "9002": Rule(Verdict.SUPPRESS, "the contact has not consented", name="no_consent"),
    "9003": Rule(_CONTACT, "the contact policy's group does not know the contact", name="not_in_policy_group"),
    "9004": Rule(Verdict.NOT_PLACED, "the contact policy service is away", name="policy_away"),
    "9005": Rule(_CAMPAIGN, "the contact policy's group or channel is unknown", name="policy_group_unknown"),
    "9006": Rule(Verdict.SUPPRESS, "the contact is over the tenant's frequency cap", name="frequency_cap"),
    "9007": Rule(_CAMPAIGN, "the frequency cap's group is unknown", name="cap_group_unknown"),
    "9010": Rule(Verdict.SUPPRESS, "the contact's consent has expired", name="consent_expired"),
}
POLICY = Rule(_CONTACT, "the contact policy forbids the call", name="contact_policy")  # any other code of 90xx

NAMES_DESTINATION = frozenset({"msisdn", "to", "destination"})
BLAMES_CONTACT = Rule(_CONTACT, "the provider does not accept the contact's number", name="invalid_parameter")

# Without a code we know. A 500 counts only when the platform says something: then its document has it asked again.
STATUSES: Mapping[int, Rule] = {
    **WORDLESS,
    400: Rule(_CAMPAIGN, "the provider refuses the request"),
}
REFUSED_UNTOLD = Rule(Verdict.NOT_PLACED, "the provider rejected the call and did not say why", name="rejected")
PARTIAL = Rule(Verdict.UNCONFIRMED, "the provider did a part of what was asked, and did not say which", name="partial")
UNSAID = Rule(Verdict.UNCONFIRMED, "the provider answered without saying that it placed the call", name="no_message_id")
SPOKEN_500 = Rule(Verdict.NOT_PLACED, _LATER)

# What can be asked for in requestedReceipts. The last three stand in its document without their spelling in JSON, and a
# spelling that the tenant does not know would refuse every call: they are asked for only by an account that says so.
RECEIPTS_ASKED = ("offered", "accepted", "answered", "released", "rejected", "disconnected", "dropped")
RECEIPTS = (*RECEIPTS_ASKED, "trombone_connected", "trombone_released", "message_expired")

Event = tuple[Progress | None, Outcome | None]
_OVER_NOT_HOW = (Progress.ENDED, Outcome.UNKNOWN)  # the call is over, answered or not

# What a receipt says if it is the only one that ever comes. By its code: `deliveryStatus` is less exact, for only the
# code tells rejections apart. "May" means that such a call must never be dialed again because of this receipt.
EVENTS: Mapping[str, Event] = {
    "7407": (Progress.PLACED, None),  # offered to the network: it may ring, or have rung
    "7408": (Progress.RINGING, None),  # taken by the network: it may have been answered since
    "7519": (Progress.ANSWERED, None),  # answered, whatever its end is called
    "7411": (Progress.ANSWERED, None),  # an agent joined: so the callee had answered
    "7412": (Progress.ANSWERED, None),  # the agent left: so the callee had answered
    "7401": (Progress.ENDED, Outcome.NO_ANSWER),  # not answered
    "7402": (Progress.ENDED, Outcome.BUSY),  # not answered: busy, or declined if a 7410 came with it and was lost
    "7404": _OVER_NOT_HOW,  # "Others": of what, only the word beside it says; see REJECTIONS
    "7406": (Progress.ENDED, Outcome.REJECTED),  # not answered: declined
    "7405": _OVER_NOT_HOW,  # "ended by the platform": mostly at the end of its message, but it does not say so
    "7410": (Progress.ENDED, None),  # the callee hung up: after answering, or to decline
    "7409": _OVER_NOT_HOW,  # "dropped" comes with every end, good or bad
    "7005": (Progress.ENDED, Outcome.EXPIRED),  # never dialed
    "7208": (Progress.ENDED, Outcome.EXPIRED),  # never dialed
    "7102": (Progress.ENDED, Outcome.INVALID_NUMBER),  # never rang
}

# Codes that prove something only beside the word `Rejected`, which no answered call gets.
REJECTED = "rejected"
REJECTIONS: Mapping[str, Event] = {"7404": (Progress.ENDED, Outcome.FAILED)}

# The same by the status word, for a receipt whose code is missing or unknown.
EVENT_WORDS: Mapping[str, Event] = {
    "offered": EVENTS["7407"],
    "accepted": EVENTS["7408"],
    "answered": EVENTS["7519"],
    "trombone_connected": EVENTS["7411"],
    "trombone_released": EVENTS["7412"],
    REJECTED: EVENTS["7406"],  # not answered: which kind of rejection, only the code says
    "released": EVENTS["7405"],
    "disconnected": EVENTS["7410"],
    "dropped": EVENTS["7409"],
    "failed": (Progress.ENDED, Outcome.FAILED),  # not answered: it is the word of calls that were never put through
    "message_expired": EVENTS["7208"],
    "expired": EVENTS["7208"],
}

# The status of one call, when asked for it; its document lists these beside the words of the receipts. Unlike receipts,
# which come together, they exclude one another: what is neither busy nor unanswered, canceled nor failed, was answered.
CALL_STATUSES: Mapping[str, Event] = {
    **EVENT_WORDS,
    "queued": (Progress.PLACED, None),
    "submitted": (Progress.PLACED, None),
    "initiated": (Progress.PLACED, None),
    "ringing": (Progress.RINGING, None),
    "in_progress": (Progress.ANSWERED, None),  # listed beside "ringing": so it rings no more
    "completed": (Progress.ENDED, Outcome.ANSWERED),
    "busy": (Progress.ENDED, Outcome.BUSY),
    "no_answer": (Progress.ENDED, Outcome.NO_ANSWER),
    "canceled": (Progress.ENDED, Outcome.REJECTED),  # "rejected by the user", says its document
    "cancelled": (Progress.ENDED, Outcome.REJECTED),
}


def folded(status: str) -> str:
    """A status word in the one form our tables use: `No-answer` and `NO ANSWER` are `no_answer`."""
    return "_".join(status.casefold().replace("-", " ").replace("_", " ").split())
