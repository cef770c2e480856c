"""The ledger's sentences, as the code writes them, beside what people read for them.

`{outcome}` is an outcome, `{count}` a number, `{mnemonic}` a provider's word for an error, `{why}` another sentence of
the ledger; other fields stay as they are.
The first that fits is taken. A test holds that the code still writes what stands on the left.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTACT_ENDS: Mapping[str, str] = {
    "{outcome} after {count} attempt": "{outcome}, after {count} call",
    "{outcome} after {count} attempts": "{outcome}, after {count} call",
    "{outcome}; no window is left for another try": "{outcome}; no calling hours are left for another call",
    "{why}; the next try would come after its not_after": "{why}; another call would come too late",
    "its not_after passed before it was reached": "its last moment to be called passed first",
    "answered an earlier reminder": "an earlier reminder was answered",
    "answered: {response}": "answered: {response}",
    "expired at the provider": "the provider had the call for too long",
    "{why}; nothing was heard of the call: it may have rung": "{why}; no word of the call: it may have rung",
    "the campaign was cancelled; last: {why}": "the campaign was cancelled; the last call: {why}",
    "no call was placed": "no call was made",
    "the campaign was cancelled": "the campaign was cancelled",
    "on the suppression list: {why}": "on the do-not-call list: {why}",
    "the provider placed no call in {count} requests; last: {why}": "the provider made no call ({count} time): {why}",
    "not called: the dialer itself failed {count} times; last: {why}": "the dialer failed {count} time: {why}",
    "the provider took the call and never told how it ended": "the provider never said how the call ended",
    "nobody looked often enough to tell whether it was answered": "the call ended unseen: it may have been answered",
    "no answer to the request is known, and nothing was heard of the call: it may have rung": (
        "no word of the call: it may have rung"
    ),
    "the provider's answer ({code}) did not say whether the call was placed, and nothing was heard of the call: "
    "it may have rung": "the provider did not say whether it made the call, and no word of it since: it may have rung",
    "{outcome}, told after it had been reported as unknown": "{outcome}, as the provider said late",
    "{outcome}, told after it had been taken for no call": "{outcome}, as the provider said late",
    "{outcome}, told after it had been taken for unanswered": "{outcome}, as the provider said late",
    "{outcome}, told late of a call of {campaign}": "{outcome}, in {campaign}, as the provider said late",
    "{outcome}, told while a later call was made": "{outcome}, as the provider said late",
    "outcome unknown": "not known how the call ended",
}
HOLDS: Mapping[str, str] = {
    "dialing": "calling people",
    "calls are in progress": "calls are on the line",
    "its next calls are about to be requested": "the next calls are about to be made",
    "finishing": "finishing",
    "it stands by: whoever is appended to it is called, until it is closed": "waits for people to be added",
    "its contacts are being read": "its list is being read",
    "its start was cut off, and nobody is called": "its start was cut off, and nobody is called",
    "it has not started yet": "it has not started yet",
    "the calling window is closed": "outside the calling hours",
    "it is a holiday: {holiday}": "today is a holiday: {holiday}",
    "whoever may be called at this hour waits for another try": "everybody left waits for another call",
    "the next reminder is not due yet": "the next reminder is not due yet",
    "no reminder is left for those who wait": "no reminder is left for those who wait",
    "it waits for its turn: others of its account are dialed": "waits its turn: others of the account are calling",
    "the next was put off by {program}": "the next call was put off by {program}",
    "the numbers that are left have had their calls: at most {cap}": "all numbers left had their calls: at most {cap}",
    "the provider placed no call in its last {count} requests: {why}": "the provider makes no calls: {why}",
    "held by a limit: {limit}": "waits for a limit: {limit}",
    "an error of the dialer: {error} ({step}); see the log": "an error of the dialer: {error}; its log says more",
    "nothing runs here that could dial": "the dialer is not running",
    "the stack here is starting or stopping": "the dialer is starting or stopping",
    "Redis does not answer the workers": "Redis does not answer",
    "no worker takes calls: the queue {queue} has no consumer": "no worker takes calls",
    "the workers report: {trouble}": "the workers cannot use the ledger: {trouble}",
    "no tick has looked at it {time}: what keeps the workers is not known": "the workers have not come by {time}",
    "its contacts were handed to the workers {seconds} s ago, and none has been asked for": (
        "the workers have taken no call for {seconds} s"
    ),
    "paused by {who}: {why}": "paused by {who}: {why}",
    "paused by {who}": "paused by {who}",
    "paused: {why}": "paused: {why}",
    "cancelled by {who}: {why}": "cancelled by {who}: {why}",
    "cancelled by {who}": "cancelled by {who}",
    "cancelled: {why}": "cancelled: {why}",
    "finished: every contact is final": "finished: everybody is done",
    "finished: {why}": "finished: {why}",
    "by a person": "by a person",
    "{why}; it answers again since {time} UTC": "{why}; it answers again since {time} UTC",
    "{why}; the account is asked again at {time} UTC, and goes on by itself when it answers": (
        "{why}; the account is asked again at {time} UTC, and calling goes on by itself when it answers"
    ),
    "{why}; the account is asked again at {time} UTC": "{why}; the account is asked again at {time} UTC",
    "account {account} cannot dial: {why}": "the account {account} cannot call: {why}",
    "{budget} is used up": "{budget} is used up",
    "canary: {reached} of its first {count} contacts were reached, and {share} were asked for": (
        "too few of the first {count} contact were reached: {reached}, and {share} were asked for"
    ),
}
CONTACT_HOLDS: Mapping[str, str] = {
    "{why}, and that lasts longer than its not_after: it will not be called": "{why}; then it is too late to call",
    "it is {outcome}: {why}": "{outcome}: {why}",
    "its call is in progress": "the call is on the line",
    "its call is in progress, and is the last: it was withdrawn ({reason})": (
        "the call on the line is the last: taken out ({reason})"
    ),
    "it is on the suppression list and will not be called: {why}": "it is on the do-not-call list: {why}",
    "its number has had its calls: at most {cap}": "its number has had its calls: at most {cap}",
    "it was put off by {program}": "it was put off by {program}",
    "it waits for its next try": "it waits for its next call",
    "it waits for its next call: the reminder {reminder} before its appointment": (
        "it waits for its next call: the reminder {reminder} before its appointment"
    ),
    "its appointment is nearer than its last reminder: it is not called": (
        "its appointment is too near for a reminder: it is not called"
    ),
    "no calling hour comes in time for its reminders: it is not called": (
        "no calling hour comes in time for its reminders: it is not called"
    ),
    "no window is left before the campaign ends": "no calling hours are left before the campaign ends",
    "it is a holiday there: {holiday}": "today is a holiday there: {holiday}",
    "the window is closed where it is": "outside the calling hours where it is",
    "it is with a worker, waiting for its token": "it is about to be called",
    "it is due and waits for its turn": "its time has come, and it waits its turn",
}
MOVES: Mapping[str, str] = {
    "started": "started",
    "its start came": "its start came",
    "not yet launched": "not yet launched",
    "every contact is final": "everybody is done",
    "added by {who}": "added by {who}",
    "by {who}": "by {who}",
    "one call tries whether the provider works again": "one call tries whether the provider works again",
    "the provider works again": "the provider works again",
    "breaker of account {account}: it had nobody to call, and another campaign tries": (
        "breaker of the account {account}: it had nobody to call, and another campaign tries"
    ),
    "said {word} in a call of {campaign}": "said {word} in a call of {campaign}",
    "blocked during call {session}": "blocked during the call {session}",
    "no reason was given": "no reason was given",
}
CALL_DETAILS: Mapping[str, str] = {
    "it was never seen answered": "it was never seen answered",
    "nobody looked for {seconds} s, in which the whole message could have been played": (
        "nobody looked for {seconds} s, in which the whole message could have been played"
    ),
    "the provider's list did not tell whether it was answered: its state there is no word we know": (
        "the provider did not tell whether it was answered"
    ),
    "the provider said that it failed, and lists no such call": "the provider said that it failed",
    "its worker stopped between the request and the answer": "the worker stopped before the provider’s answer came",
    "its last receipt never came: settled by asking the provider": "the provider did not tell the end, and was asked",
    "answered; its end was never told": "answered; the provider never told its end",
    "the provider told that the call had ended, and never how: it may have been answered": (
        "the provider never told how the call ended: it may have been answered"
    ),
    "the person called hung up, and the provider never told whether that was after answering": (
        "they hung up, and the provider never told whether they had answered"
    ),
    "answered; its end was told as {outcome}": "answered; the provider said at its end: {outcome}",
}
RECEIPTS: Mapping[str, str] = {
    "{outcome}: counts when nothing better is heard": "{outcome}, unless something better is heard",
    "a word we do not know: kept, and moves nothing": "a word that is not known, and changes nothing",
    "ringing": "rings",
    "ended: {outcome}": "ended: {outcome}",
    "pressed {keys}": "pressed {keys}",
    "{outcome}, pressed {keys}": "{outcome}, pressed {keys}",
}
ALLOWED: Mapping[str, str] = {
    "any hour": "any hour",
    "no holiday": "no holiday",
    "at most {cap} to this number": "at most {cap} to this number",
    "not on the suppression list": "not on the do-not-call list",
    **{
        f"{day} {{hours}}": f"{day.capitalize()} {{hours}}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    },
}
"""What allowed a call: rules with a semicolon between them."""
PROVIDERS: Mapping[str, str] = {
    "{mnemonic}: {detail} ({parameter})": "{detail}",
    "{mnemonic}: {detail}": "{detail}",
}
PHRASES: Mapping[str, str] = {
    **{**CONTACT_ENDS, **HOLDS, **CONTACT_HOLDS, **MOVES, **CALL_DETAILS, **RECEIPTS, **ALLOWED, **PROVIDERS},
    "{outcome}": "{outcome}",
}

COUNTED: Mapping[str, str] = {
    "{outcome}, after {count} call": "{outcome}, after {count} calls",
    "the provider made no call ({count} time): {why}": "the provider made no call ({count} times): {why}",
    "the dialer failed {count} time: {why}": "the dialer failed {count} times: {why}",
    "too few of the first {count} contact were reached: {reached}, and {share} were asked for": (
        "too few of the first {count} contacts were reached: {reached}, and {share} were asked for"
    ),
}
"""The plural of the phrases that speak of so many."""
