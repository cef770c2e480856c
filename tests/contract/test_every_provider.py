"""What every provider must hold to, whoever it is. The replies are recorded files in the documented shapes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.calls import CallRequest, Outcome, Progress
from dialer.deadline import Deadline, utc_now
from dialer.errors import error_for
from dialer.http import HttpReply
from dialer.phone import PhoneNumber
from dialer.providers.provider import Follows, Provider
from dialer.providers.registry import PROVIDERS, account_settings, provider_for, specs
from dialer.scripts import Recording, Speech
from dialer.transport.session import Session
from dialer.verdicts import Verdict
from tests.support import third_provider as third
from tests.support.http_server import Heard, reply, serving

PAYLOADS = Path(__file__).parent / "payloads"
SECRETS = {"access_token": "tok-5ecret-0a1b2c", "password": "pass-5ecret", "service_key": "key-5ecret-0a1b2c"}
ACCOUNTS: dict[str, dict[str, str]] = {
    "callgear by key": {"provider": "callgear", "access_token": SECRETS["access_token"]},
    "callgear by login": {"provider": "callgear", "login": "operator", "password": SECRETS["password"]},
    "imiconnect": {"provider": "imiconnect", "service_key": SECRETS["service_key"]},
    "webex": {"provider": "webex", "service_key": SECRETS["service_key"]},
    "acme": {"provider": "acme", "api_key": SECRETS["service_key"]},
}
ATTEMPT = UUID("6a8f7c34-0c5e-4b8e-9f0e-1f6f1f3f8a11")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = "Your appointment is tomorrow at nine"
CALL = CallRequest(
    correlation_id=ATTEMPT,
    to=PhoneNumber("+14155550100"),
    caller_id=PhoneNumber("+14155550199"),
    script=Speech(text=TEXT),
    notify_url="https://dialer.example/receipts/5ecret",
)

SITUATIONS = {
    "placed": Verdict.PLACED,
    "bad_number": Verdict.REFUSE_CONTACT,
    "text_too_long": Verdict.REFUSE_CONTACT,
    "suppressed": Verdict.SUPPRESS,
    "wrong_caller_id": Verdict.HALT_CAMPAIGN,
    "unknown_word": Verdict.HALT_CAMPAIGN,
    "wrong_key": Verdict.HALT_ACCOUNT,
    "wrong_address": Verdict.HALT_ACCOUNT,
    "throttled": Verdict.THROTTLED,
    "out_of_service": Verdict.NOT_PLACED,
    "gateway": Verdict.UNCONFIRMED,
    "web_page": Verdict.UNCONFIRMED,
    "nothing": Verdict.UNCONFIRMED,
}


def made(account: str, url: str = "http://127.0.0.1:9/api") -> Provider:
    return provider_for(account_settings(**{**ACCOUNTS[account], "base_url": url}))


@pytest.fixture(autouse=True, scope="module")
def third_provider() -> Iterator[None]:
    """One that is made up holds to the contract too, although nothing but its folder knows it."""
    with third.plugged_in():
        yield


@pytest.fixture(params=ACCOUNTS)
def provider(request: pytest.FixtureRequest) -> Provider:
    return made(request.param)


def vendor(provider: Provider) -> str:
    return {"imiconnect": "webex"}.get(provider.name, provider.name)


def recorded(provider: Provider, name: str) -> HttpReply:
    payload = json.loads((PAYLOADS / f"{vendor(provider)}.{name}.json").read_text("utf-8"))
    content = json.dumps(payload["body"]) if "body" in payload else payload.get("text", "")
    return HttpReply(status=payload["status"], headers=payload["headers"], body=content.encode())


def questions(provider: Provider) -> list[Any]:
    asked = [provider.logging_in(NOW), provider.looking(), provider.asking("m-1"), provider.checking()]
    return [request for request in asked if request is not None]


def test_every_name_that_settings_allow_has_its_provider():
    allowed = [name for spec in specs() for name in get_args(spec.settings.model_fields["provider"].annotation)]
    assert sorted(PROVIDERS) == sorted(allowed) == sorted({account["provider"] for account in ACCOUNTS.values()})
    for name in allowed:
        assert provider_for(account_settings(provider=name)).name == name


def test_a_placing_request_carries_one_contact_and_the_attempts_id(provider):
    request = provider.placing(CALL)
    body = request.body.decode("utf-8")
    assert (request.method, request.places) == ("POST", True)
    assert request.url.startswith("http://127.0.0.1:9/api")
    assert json.loads(body)
    assert body.count(CALL.to.digits) == 1
    assert body.count(CALL.caller_id.digits) == 1
    assert str(ATTEMPT) in body
    assert TEXT in body
    assert "charset=UTF-8" in request.headers["content-type"]


def test_a_recording_goes_out_by_its_id(provider):
    call = CallRequest(correlation_id=ATTEMPT, to=CALL.to, caller_id=CALL.caller_id, script=Recording(media_id="1561"))
    assert '"1561"' in provider.placing(call).body.decode()


def test_only_the_placing_request_may_place_a_call(provider):
    assert questions(provider)
    assert not any(request.places for request in questions(provider))


def test_no_secret_shows_in_a_provider_or_its_requests(provider):
    provider.read_login(recorded(made("callgear by login"), "logged_in"))
    shown = repr(provider) + str(provider) + repr([provider.placing(CALL), *questions(provider)])
    for secret in (*SECRETS.values(), "0d5f8e7a6b4c3d2e1f00", "5ecret", TEXT, CALL.to.digits):
        assert secret not in shown


@pytest.mark.parametrize(("situation", "verdict"), SITUATIONS.items())
def test_each_situation_has_one_verdict_whoever_the_provider_is(provider, situation, verdict):
    ruling = provider.read_placing(recorded(provider, situation))
    assert ruling.verdict is verdict
    assert bool(ruling.provider_call_id) is (verdict is Verdict.PLACED)
    assert ruling.blames_script is (situation == "text_too_long")
    assert (ruling.retry_after == 17) is (situation == "throttled")


@pytest.mark.parametrize("situation", sorted(set(SITUATIONS) - {"placed"}))
def test_a_ruling_tells_the_operator_why_and_shows_no_number(provider, situation):
    ruling = provider.read_placing(recorded(provider, situation))
    assert len(ruling.detail) > 10
    assert "5550100" not in repr(ruling)
    assert "5550199" not in repr(ruling)
    error = error_for(provider.name, ruling)
    assert ruling.detail in str(error)


@pytest.mark.parametrize("situation", ["gateway", "web_page", "nothing"])
def test_an_unconfirmed_call_has_no_mnemonic_unless_the_provider_itself_said_that_it_failed(provider, situation):
    assert provider.read_placing(recorded(provider, situation)).mnemonic is None


def test_an_unknown_word_is_kept_as_it_came(provider):
    ruling = provider.read_placing(recorded(provider, "unknown_word"))
    assert {ruling.mnemonic, ruling.code} & {"moon_in_wrong_phase", "7998"}


@pytest.mark.parametrize("situation", ["gateway", "web_page", "nothing", "out_of_service", "wrong_key"])
def test_what_places_nothing_is_never_unconfirmed(provider, situation):
    answer = recorded(provider, situation)
    rulings = [
        provider.read_login(answer),
        provider.read_looking(answer).ruling,
        provider.read_asking(answer, "m-1").ruling,
        provider.read_checking(answer),
    ]
    assert Verdict.UNCONFIRMED not in {ruling.verdict for ruling in rulings}
    assert not provider.read_looking(answer).usable
    assert provider.read_asking(answer, "m-1").progress is None


def test_a_provider_can_be_followed_in_the_way_it_says(provider):
    if provider.follows is Follows.LISTING:
        listing = provider.read_looking(recorded(provider, "calls_in_progress"))
        assert provider.looking() is not None
        assert listing.usable
        assert [sighting.progress for sighting in listing.seen] == [Progress.ANSWERED, Progress.RINGING]
        assert [sighting.correlation_id for sighting in listing.seen] == [ATTEMPT, None]
    else:
        bodies = [recorded(provider, f"receipt_{name}").body for name in ("answered", "busy", "disconnected")]
        receipts = [receipt for body in bodies for receipt in provider.read_receipts(body, {})]
        assert [receipt.outcome for receipt in receipts] == [None, Outcome.BUSY, None]
        assert [receipt.correlation_id for receipt in receipts] == [ATTEMPT, ATTEMPT, None]
        assert len({receipt.event_id for receipt in receipts}) == 3


def test_a_provider_that_can_be_asked_tells_how_a_call_ended(provider):
    if provider.asking("m-1") is None:
        assert provider.read_asking(HttpReply(status=200), "m-1").ruling.mnemonic == "not_offered"
    else:
        answer = recorded(provider, "call_status")
        status = provider.read_asking(answer, json.loads(answer.body)["messageId"])
        assert (status.progress, status.outcome, status.talk_seconds) == (Progress.ENDED, Outcome.ANSWERED, 4)


def test_a_login_that_is_refused_is_renewed_only_where_there_is_one(provider):
    renewable = provider.forget_login()
    assert renewable is (provider.logging_in(NOW) is not None)


def test_the_policy_is_a_table_that_a_person_can_read(provider):
    rows = provider.policy()
    assert len(rows) > 20
    assert {row.verdict for row in rows} <= set(Verdict)
    assert all(row.mnemonic and row.code and row.note for row in rows)
    assert len({(row.mnemonic, row.code) for row in rows}) == len(rows)


def test_a_plain_text_can_be_spoken_and_an_empty_one_cannot(provider):
    assert provider.check_script(Speech(text="Hello")) is None
    assert provider.check_script(Speech(text="  ")).code == "characters"
    if provider.text_limit:
        assert provider.check_script(Speech(text="x" * (provider.text_limit + 1))).code == "text_too_long"


# What comes from outside may be anything

NAMES = (
    "result error data metadata limits call_session_id mnemonic code message params legs state "
    "messageId status deliveryInfoNotification deliveryInfo deliveryStatus transid timeStamp endedAt"
)
KNOWN = st.sampled_from(NAMES.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=4), max_leaves=12
)
BODIES = st.binary(max_size=60) | ANYTHING.map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from([200, 201, 202, 204, 301, 400, 401, 404, 409, 429, 500, 502, 503, 999])
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), st.text(max_size=12))


@pytest.mark.parametrize("account", ACCOUNTS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=BODIES, status=STATUSES, headers=HEADERS)
def test_no_reply_whatever_makes_a_provider_stumble(account, body, status, headers):
    provider = made(account)
    answer = HttpReply(status=status, headers=headers, body=body)
    ruling = provider.read_placing(answer)
    assert ruling.verdict is not Verdict.PLACED or ruling.provider_call_id
    assert ruling.retry_after is None or ruling.retry_after >= 0
    provider.read_looking(answer)
    provider.read_asking(answer, "m-1")
    provider.read_checking(answer)
    provider.read_login(answer)
    provider.read_receipts(body, headers)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"result":' * 200_000, b"9" * 100_000, b"\xff" * 10])
def test_a_hostile_body_is_only_unreadable(provider, body):
    assert provider.read_placing(HttpReply(status=200, body=body)).verdict is Verdict.UNCONFIRMED
    assert list(provider.read_receipts(body, {})) == []


# Over a real wire


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("situation", ["placed", "bad_number", "throttled", "gateway"])
def test_a_session_brings_the_same_rulings_over_http(account, situation):
    login = recorded(made("callgear by login"), "logged_in")

    async def main() -> tuple[Any, list[Heard]]:
        async def answer(request: Heard, writer: asyncio.StreamWriter) -> None:
            said = login if b'"login.user"' in request.body else recorded(provider, situation)
            headers = "".join(f"{name}: {value}\r\n" for name, value in said.headers.items())
            await reply(writer, said.body, status=said.status, headers=headers)

        async with serving(answer) as wire:
            provider = made(account, wire.url)
            async with Session(provider, timeout=5.0) as session:
                return await session.place(CALL, Deadline(utc_now() + timedelta(minutes=1))), wire.heard

    ruling, heard = asyncio.run(main())
    assert ruling == made(account).read_placing(recorded(made(account), situation))
    assert len([request for request in heard if str(ATTEMPT).encode() in request.body]) == 1
