"""CallGear's client as a library: typed methods, values, errors, one pool, a login that is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from dialer.clients.callgear import AsyncClient, Client
from dialer.errors import NotPlaced, Refused, Throttled, Unconfirmed
from dialer.phone import PhoneNumber
from dialer.providers.callgear.params import BadParameter
from dialer.providers.callgear.rpc import read as read_rpc
from dialer.providers.callgear.starting import Employee
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.scripts import Recording, Speech
from dialer.verdicts import Verdict
from tests.dialer.providers.test_callgear import failed, replied
from tests.support.http_server import reply, serving
from tests.support.sandbox_clients import until

CALLER, CONTACT, HELLO = "74993720692", PhoneNumber("+14155550101"), Speech(text="Hello")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=20, office={"talk_seconds": 3000})) as handle:
        yield handle


@pytest.fixture
def callgear(sandbox: SandboxHandle) -> Iterator[Client]:
    with Client(access_token="sandbox-key", base_url=sandbox.base_url("callgear")) as client:
        yield client


def talking(callgear: Client) -> int:
    """A call whose people talk."""
    placed = callgear.start_simple_call(
        virtual_phone_number=CALLER, contact=CONTACT, first_call="contact", operator="79262444491"
    )
    session = placed.call_session_id
    until(lambda: [call.legs[0].state for call in callgear.list_calls()] == ["Talk"])
    return session


def test_a_consultation_and_a_transfer_with_the_library_alone(callgear, sandbox):
    session = talking(callgear)
    callgear.record_call(session, "on")
    callgear.tag_call(session, 36)
    callgear.add_coach(session)
    callgear.send_dtmf(session, "5")
    callgear.hold_call(session, Recording(media_id="2034"))
    callgear.make_call(session, "101", HELLO)
    callgear.restore_talk(session)
    callgear.hold_call(session, HELLO)
    callgear.unhold_call(session)
    callgear.hold_call(session, HELLO)
    callgear.make_call(session, "79260000000")
    callgear.transfer_talk(session)
    (call,) = callgear.list_calls(direction="in", virtual_phone_number=CALLER)
    assert [tag.tag_name for tag in call.tags] == ["Important"]
    assert all(leg.record_call_enabled for leg in call.legs)
    callgear.block_contact(session)
    callgear.release_call(session)
    assert len(callgear.list_calls()) == 0
    (judged,) = sandbox.calls()
    assert judged["actions"][:3] == ["record.call", "tag.call", "add.coach"]
    with pytest.raises(Refused, match="blacklist"):
        callgear.start_informer_call(virtual_phone_number=CALLER, contact=CONTACT, contact_message=HELLO)


def test_every_way_to_start_a_call_gives_its_session_id_and_keeps_the_points(callgear):
    common = {"virtual_phone_number": CALLER, "contact": CONTACT}
    placed = [
        callgear.start_informer_call(**common, contact_message=HELLO),
        callgear.start_simple_call(**common, first_call="contact", operator="79262444491"),
        callgear.start_employee_call(**common, first_call="employee", employee=Employee(id=25, phone_number="101")),
        callgear.start_scenario_call(**common, first_call="contact", scenario_id=23456),
        callgear.start_vnumber_call(**common, first_call="contact"),
    ]
    assert len({one.call_session_id for one in placed}) == 5
    assert [one.metadata.limits.minute_remaining for one in placed] == [2999, 2998, 2997, 2996, 2995]
    options = callgear.list_talk_options()
    assert next(option for option in options if option.button == "1").value == "Relevant"


@pytest.mark.parametrize(("contact", "told"), [("test.sip", "test.sip"), ("79260000000", "+79260000000")])
def test_a_call_that_connects_people_may_go_to_an_employees_sip_number(callgear, sandbox, contact, told):
    callgear.start_simple_call(
        virtual_phone_number=CALLER, contact=contact, first_call="contact", operator="79262444491"
    )
    assert [call["to"] for call in sandbox.calls()] == [told]
    assert [call.contact_phone_number for call in callgear.list_calls()] == [contact]


@pytest.mark.parametrize("contact", ["101", "7926000000012345", "+79260000000", "a b", ""])
def test_an_extension_and_what_is_no_number_at_all_is_not_sent(callgear, sandbox, contact):
    with pytest.raises(BadParameter) as caught:
        callgear.start_vnumber_call(virtual_phone_number=CALLER, contact=contact, first_call="contact")
    assert "SIP number" in caught.value.remedy
    assert sandbox.requests() == []


def test_a_sip_number_that_is_no_employees_is_refused(callgear):
    with pytest.raises(Refused) as caught:
        callgear.start_vnumber_call(virtual_phone_number=CALLER, contact="nobody.sip", first_call="contact")
    assert (caught.value.ruling.mnemonic, caught.value.ruling.field) == ("invalid_parameter_value", "contact")


def test_a_direction_that_the_security_rules_prohibit_is_the_contacts_own_trouble(callgear, sandbox):
    sandbox.configure(office={"forbidden_prefixes": ["1415"]}, help_url="https://help.example/errors/")
    with pytest.raises(Refused) as caught:
        callgear.start_informer_call(virtual_phone_number=CALLER, contact=CONTACT, contact_message=HELLO)
    ruling = caught.value.ruling
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (Verdict.REFUSE_CONTACT, None, "-32002")
    assert "security rules" in ruling.detail
    assert ruling.detail.endswith("; more at https://help.example/errors/-32002")
    callgear.start_informer_call(virtual_phone_number=CALLER, contact="18005550142", contact_message=HELLO)


def test_talk_options_and_legs(callgear):
    session = talking(callgear)
    callgear.call_talk_option(session, "2")
    (call,) = callgear.list_calls()
    assert call.legs[0].record_call_enabled
    callgear.disconnect_leg(session, call.legs[0].leg_id)
    assert len(callgear.list_calls()) == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"contact": "+14155550101"}, "contact"),
        ({"contact": "89"}, "contact"),
        ({"virtual_phone_number": "sip"}, "virtual_phone_number"),
        ({"dialing_timeout": 121}, "dialing_timeout"),
        ({"dialing_timeout": 0}, "dialing_timeout"),
        ({"dialing_timeout": True}, "dialing_timeout"),
        ({"dialing_timeout": float("nan")}, "dialing_timeout"),
        ({"dtmf_string": "1,2"}, "dtmf_string"),
        ({"direction": "up"}, "direction"),
        ({"contact_message": Speech(text=" ")}, "contact_message.value"),
        ({"virtual_phone_usage_rule": "any"}, "virtual_phone_usage_rule"),
        ({"external_id": 5}, "external_id"),
    ],
)
def test_what_the_document_does_not_allow_is_not_sent(callgear, sandbox, changed, field):
    given = {"virtual_phone_number": CALLER, "contact": CONTACT, "contact_message": HELLO} | changed
    with pytest.raises(BadParameter) as caught:
        callgear.start_informer_call(**given)
    assert (caught.value.ruling.field, bool(caught.value.remedy)) == (field, True)
    assert "4155550101" not in str(caught.value)
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda client: client.send_dtmf(1, "12"),
        lambda client: client.record_call(1, "maybe"),
        lambda client: client.make_call(1, "+101"),
        lambda client: client.tag_call(1, 0),
        lambda client: client.release_call(1.5),
        lambda client: client.start_simple_call(
            virtual_phone_number=CALLER, contact=CONTACT, first_call="contact", operator="79262444491",
            switch_at_once=True, early_switching=True,
        ),
        lambda client: client.start_employee_call(
            virtual_phone_number=CALLER, contact=CONTACT, first_call="employee", employee=Employee(id=25),
            early_switching=True,
        ),
    ],
)  # fmt: skip
def test_every_method_checks_before_sending(callgear, sandbox, wrong):
    with pytest.raises(BadParameter):
        wrong(callgear)
    assert sandbox.requests() == []


def test_a_text_longer_than_the_tariff_is_not_sent_once_that_is_known(callgear, sandbox):
    sandbox.configure(tts_limit=10)
    given = {"virtual_phone_number": CALLER, "contact": CONTACT, "contact_message": Speech(text="x" * 11)}
    for _ in range(2):
        with pytest.raises(Refused, match=r"tariff|10"):
            callgear.start_informer_call(**given)
    counted = [(row["method"], row["result"], row["count"]) for row in sandbox.requests()]
    assert counted == [("start.informer_call", "tts_text_exceeded", 1)]


@pytest.mark.parametrize(
    ("contact", "kind"),
    [
        ("14155550116", Refused),
        ("14155550117", Unconfirmed),
        ("14155550119", Unconfirmed),
        ("14155550122", NotPlaced),
        ("14155550123", Throttled),
    ],
)
def test_errors_say_what_may_be_done_next(callgear, contact, kind):
    with pytest.raises(kind):
        callgear.start_informer_call(virtual_phone_number=CALLER, contact=contact, contact_message=HELLO)


def test_a_management_method_that_is_refused_is_never_in_doubt(callgear):
    with pytest.raises(NotPlaced, match="over or was never placed"):
        callgear.unhold_call(1)


def test_a_login_is_got_when_needed_and_given_back(sandbox):
    with Client(login="sandbox", password="sandbox", base_url=sandbox.base_url("callgear")) as client:
        assert sandbox.requests() == []
        client.list_calls()
        client.list_calls()
    counted = {row["method"]: row["count"] for row in sandbox.requests()}
    assert counted == {"login.user": 1, "list.calls": 2, "logout.user": 1}


def test_logging_in_and_out_by_hand(callgear):
    session = callgear.login_user("sandbox", SecretStr("sandbox"))
    assert session.expire_at
    assert session.access_token.get_secret_value() not in repr(session)
    callgear.logout_user(session.access_token)
    with pytest.raises(Refused, match="password"):
        callgear.login_user("sandbox", SecretStr("wrong"))


@pytest.mark.anyio
async def test_the_awaited_face_answers_the_same_over_kept_alive_connections(sandbox):
    async with AsyncClient(access_token="sandbox-key", base_url=sandbox.base_url("callgear")) as client:
        listed = await asyncio.gather(*(client.list_calls() for _ in range(5)))
    assert [len(calls) for calls in listed] == [0] * 5


@pytest.mark.anyio
async def test_one_connection_carries_many_requests_with_the_documents_headers():
    async def answer(request, writer):
        await reply(writer, {"id": "x", "result": {"data": []}})

    async with serving(answer) as wire, AsyncClient(access_token="k", base_url=wire.url) as client:
        for _ in range(3):
            await client.list_calls()
    assert wire.connections == 1
    for heard in wire.heard:
        assert heard.headers["content-type"] == "application/json; charset=UTF-8"
        assert heard.headers["content-length"] == str(len(heard.body))


@pytest.mark.parametrize("spelling", ["current_version_depricated", "current_version_deprecated"])
@pytest.mark.parametrize("said", [True, "true"])
def test_a_version_on_its_way_out_is_kept_in_both_spellings(spelling, said):
    version = {spelling: said, "current_version": "v4.0", "latest_version": "v4.1"}
    for body in (
        replied({"result": {"data": {}, "metadata": {"api_version": version}}}),
        failed("invalid_state", metadata={"api_version": version}),
    ):
        metadata = read_rpc(body).metadata
        assert (metadata.version_deprecated, metadata.current_version, metadata.latest_version) == (
            True,
            "v4.0",
            "v4.1",
        )


def test_the_sandbox_tells_of_a_newer_version(callgear, sandbox):
    sandbox.configure(latest_version="v4.1")
    assert callgear.list_calls().metadata.latest_version == "v4.1"
