"""Events are delivered at least once, in their order, signed; what fails waits; nothing is sent where it may not be."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import event, select, update
from standardwebhooks import Webhook, WebhookVerificationError

from campaigns.ledger import deliveries, webhooks
from campaigns.ledger.tables import audit
from campaigns.lifecycle import DeliveryState, EventKind, WebhookState
from campaigns.operations import control
from campaigns.operations.webhooks import delivering, subscriptions
from campaigns.operations.webhooks.delivering import claim, deliver
from dialer.deadline import utc_now
from dialer.internal_networks import is_internal, networks
from dialer.outside_url import BadOutsideUrl, check_outside_url
from dialer.signing import secret_of
from dialer.transport.signed_posts import MOST_BYTES, Message, NoAnswer, SignedPosts
from dialer.verdicts import Verdict
from tests.campaigns.operations.webhooks.test_events import subscribe, written
from tests.support.seeding import dialing, numbers, seed
from tests.support.settling import refused, ruled
from tests.support.webhook_receiver import KEY

LOOPBACK = networks(["127.0.0.1"])
CONTACTS = [EventKind.CONTACT_FINISHED]


@pytest.fixture
def hook(ledger, clock, receiver):
    """A webhook that is told of contacts."""
    return subscriptions.add(ledger, "crm", receiver.url, kinds=CONTACTS, allowed=LOOPBACK, who="ann", now=clock())


def some_events(ledger, clock, many=3):
    control.cancel(ledger, seed(ledger, numbers(many), now=clock()), who="ann", now=clock())


def tell(using):
    """One tick: what is due is claimed and delivered; returns how many events were taken."""
    return sum(deliver(ticket, using=using) for ticket in claim(using=using))


def state(ledger):
    return subscriptions.by_name(ledger, "crm")


def answers(status, headers=None, body=b""):
    return lambda _event: (status, headers or {}, body)


def test_events_are_delivered_once_each_and_then_there_is_nothing_to_claim(ledger, clock, using, hook, receiver):
    some_events(ledger, clock, 120)
    assert tell(using) == 120
    assert len({event.id for event in receiver.came}) == len(receiver.came) == 120
    assert claim(using=using) == []
    assert (state(ledger).delivered, state(ledger).refused) == (120, 0)
    assert {row.state for row in written(ledger, "crm")} == {"delivered"}


def test_the_public_library_verifies_them_with_either_secret_while_they_overlap(ledger, using, receiver):
    using = replace(using, clock=utc_now)
    subscriptions.add(ledger, "crm", receiver.url, kinds=CONTACTS, allowed=LOOPBACK, who="ann", now=utc_now())
    before = secret_of(KEY, state(ledger).salt)
    subscriptions.rotate(ledger, "crm", overlap=using.keep_events, who="ann", now=utc_now())
    after = secret_of(KEY, state(ledger).salt)
    assert before.startswith("whsec_")
    assert before != after
    some_events(ledger, utc_now, 1)
    tell(using)
    (event,) = receiver.came
    for secret in (before, after):
        assert Webhook(secret).verify(event.body, event.headers)["type"] == "contact.finished"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of("another key", state(ledger).salt)).verify(event.body, event.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(after).verify(event.body.replace(b"cancelled", b"reached"), event.headers)
    with ledger.writing() as db:
        db.execute(update(webhooks.webhooks).values(old_until=utc_now()))
    subscriptions.replay(ledger, "crm", event_ids=[event.id], who="ann", now=utc_now())
    tell(using)
    again = receiver.came[-1]
    assert Webhook(after).verify(again.body, again.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(before).verify(again.body, again.headers)


def test_what_is_about_one_contact_comes_in_its_order_and_waits_for_what_failed(ledger, clock, using, receiver):
    subscribe(ledger, "crm", [*CONTACTS, EventKind.ATTEMPT_FINISHED], now=clock())
    with ledger.writing() as db:
        db.execute(update(webhooks.webhooks).values(url=receiver.url))
    first, second = dialing(ledger, numbers(2), now=clock())
    for one in (first, second):
        ruled(ledger, one, refused(Verdict.REFUSE_CONTACT), clock())
    receiver.answer = lambda event: (500 if event.data["contact"]["id"] == first.contact_id else 200, {}, b"")
    assert tell(using) == 2
    events = receiver.by_contact()
    assert [event.type for event in events[second.contact_id]] == ["attempt.finished", "contact.finished"]
    assert [event.type for event in events[first.contact_id]] == ["attempt.finished"], "its contact waits for it"
    receiver.answer = answers(200)
    clock.forward(20)
    assert tell(using) == 2
    events = receiver.by_contact()
    assert [event.type for event in events[first.contact_id]] == ["attempt.finished", "contact.finished"]
    assert Counter(event.id for event in receiver.came)[events[first.contact_id][0].id] == 2, "again under its id"


def test_an_address_that_fails_is_asked_seldom_and_then_takes_everything(ledger, clock, using, hook, receiver):
    receiver.answer = answers(503)
    some_events(ledger, clock, 40)
    waits = []
    for _ in range(6):
        assert tell(using) == 0
        waits.append((state(ledger).next_at - clock()).total_seconds())
        assert claim(using=using) == []
        clock.forward(waits[-1])
    assert len(receiver.came) <= 40 + 2 * 5
    assert all(later > 1.15 * sooner for sooner, later in pairwise(waits))
    assert state(ledger).failing_since is not None
    assert state(ledger).last_answer == "it answered 503"
    receiver.came.clear()
    receiver.answer = answers(200)
    taken = tell(using)
    clock.forward(3600)
    assert taken + tell(using) == 40
    assert state(ledger).failing_since is None


def test_one_event_that_is_refused_keeps_no_other_contact_waiting(ledger, clock, using, hook, receiver):
    some_events(ledger, clock, 2)
    poison = written(ledger, "crm")[0].contact_id
    receiver.answer = lambda event: (400 if event.data["contact"]["id"] == poison else 200, {}, b"")
    tell(using)
    for hours in range(1, 40):
        some_events(ledger, clock, 1)
        tell(using)
        clock.forward(3600 if hours < 39 else 0)
    by_state = Counter(row.state for row in written(ledger, "crm"))
    assert by_state == {"delivered": 40, "failed": 1}
    assert state(ledger).state is WebhookState.ACTIVE
    assert state(ledger).given_up == 1
    receiver.answer = answers(200)
    assert subscriptions.replay(ledger, "crm", only_failed=True, who="ann", now=clock()) == 1
    assert tell(using) == 1


def test_an_address_that_fails_for_a_day_is_paused_and_said_so_and_goes_on_where_it_was(
    ledger, clock, using, hook, receiver
):
    subscribe(ledger, "other", [EventKind.ALERT_WEBHOOK], now=clock())
    receiver.answer = answers(500)
    some_events(ledger, clock, 5)
    while state(ledger).state is WebhookState.ACTIVE:
        tell(using)
        clock.forward(600)
    assert 24 <= (clock() - state(ledger).added_at).total_seconds() / 3600 <= 30
    assert state(ledger).reason == "nothing could be delivered for 24 hours; last: it answered 500"
    with ledger.reading() as db:
        assert "webhook paused" in db.scalars(select(audit.c.event)).all()
    assert [row.kind for row in written(ledger, "other")] == ["alert.webhook"]
    some_events(ledger, clock, 1)
    assert tell(using) == 0
    receiver.came.clear()
    receiver.answer = answers(200)
    subscriptions.resume(ledger, "crm", who="ann", now=clock())
    assert tell(using) == 6
    assert len(receiver.came) == 6


def test_410_ends_it(ledger, clock, using, hook, receiver):
    receiver.answer = answers(410)
    some_events(ledger, clock, 3)
    tell(using)
    assert state(ledger).state is WebhookState.ENDED
    some_events(ledger, clock, 3)
    assert {row.state for row in written(ledger, "crm")} == {"failed"}
    assert len(written(ledger, "crm")) == 3, "nothing more is written for it"
    with pytest.raises(subscriptions.BadWebhook, match="is ended"):
        subscriptions.resume(ledger, "crm", who="ann", now=clock())
    with pytest.raises(subscriptions.BadWebhook, match="has ended"):
        subscriptions.replay(ledger, "crm", only_failed=True, who="ann", now=clock())


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed_and_is_no_delivery(ledger, clock, using, hook, receiver, status):
    receiver.answer = answers(status, {"location": receiver.url + "/elsewhere"})
    some_events(ledger, clock, 1)
    assert tell(using) == 0
    assert [event.path for event in receiver.came] == ["/hook"]


def test_an_answer_that_lies_is_no_delivery(ledger, clock, using, hook, receiver):
    """It says 200 with ten bytes to come, and is cut."""
    receiver.answer = lambda _event: (
        (200, {"content-length": "10"}, b"ok") if len(receiver.came) < 2 else (200, {}, b"")
    )
    some_events(ledger, clock, 1)
    using = replace(using, post_timeout=0.3)
    assert tell(using) == 0
    clock.forward(20)
    assert tell(using) == 1
    assert len({event.id for event in receiver.came}) == 1


def test_what_is_asked_to_wait_waits_and_no_longer_than_an_hour(ledger, clock, using, hook, receiver):
    some_events(ledger, clock, 1)
    for asked, seconds in (("60", 60), ("99999999", 3600)):
        receiver.answer = answers(429, {"retry-after": asked})
        tell(using)
        assert (state(ledger).next_at - clock()).total_seconds() == seconds
        clock.forward(seconds)


def test_only_so_much_of_an_answer_is_read(posts, receiver):
    receiver.answer = answers(200, body=b"x" * (40 * MOST_BYTES))
    reply = posts.post(Message(id="evt_1", url=receiver.url, body=b"{}", salts=["s"]), now=utc_now(), timeout=10)
    assert len(reply.body) == MOST_BYTES


def test_two_workers_never_send_at_once_and_the_lease_of_one_that_died_ends(ledger, clock, using, hook, receiver):
    some_events(ledger, clock, 3)
    (lost,) = claim(using=using)
    assert claim(using=using) == []
    clock.forward(61)
    assert tell(using) == 3
    assert deliver(lost, using=using) == 0, "its lease has ended"
    assert len(receiver.came) == 3


def test_a_worker_that_was_frozen_beyond_its_lease_sends_nothing(ledger, clock, using, hook, receiver):
    some_events(ledger, clock, 1)
    (ticket,) = claim(using=using)

    class Frozen:
        def begin(self, message, *, now, timeout, deadline):
            clock.forward(90)
            return using.posts.begin(message, now=now, timeout=timeout, deadline=deadline)

    assert deliver(ticket, using=replace(using, posts=Frozen())) == 0
    assert receiver.came == []


def test_ten_threads_deliver_everything_once_and_in_order(ledger, clock, using, receiver):
    subscribe(ledger, "crm", [*CONTACTS, EventKind.ATTEMPT_FINISHED], now=clock())
    with ledger.writing() as db:
        db.execute(update(webhooks.webhooks).values(url=receiver.url))
    for one in dialing(ledger, numbers(40), now=clock()):
        ruled(ledger, one, refused(Verdict.REFUSE_CONTACT), clock())
    threads = [threading.Thread(target=tell, args=(using,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(using)
    assert len(receiver.came) == 80
    for events in receiver.by_contact().values():
        assert [event.type for event in events] == ["attempt.finished", "contact.finished"]


def test_a_result_that_is_not_noted_is_sent_again_under_the_same_id(ledger, clock, using, hook, receiver, monkeypatch):
    some_events(ledger, clock, 5)
    (ticket,) = claim(using=using)

    def cut_off(*_args):
        raise RuntimeError("the worker was killed")

    with monkeypatch.context() as killed:
        killed.setattr(delivering, "_note", cut_off)
        with pytest.raises(RuntimeError):
            deliver(ticket, using=using)
    clock.forward(61)
    assert tell(using) == 5
    assert Counter(Counter(event.id for event in receiver.came).values()) == {2: 5}


def test_a_test_event_is_signed_and_says_its_answer(ledger, hook, posts, receiver):
    receiver.answer = answers(202)
    assert subscriptions.test(hook, posts, who="ann", now=utc_now(), timeout=5) == 202
    (event,) = receiver.came
    assert Webhook(secret_of(KEY, hook.salt)).verify(event.body, event.headers)["type"] == "webhook.test"


# Where nothing is sent


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),  # noqa: S104
        *("::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::"),
        *(
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "fec0::1",
            "64:ff9b:1::7f00:1",
            "2001:0:7f00:1::1",
            "5f00::1",
            "ff0e::1",
        ),
        *("255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "no address"),
    ],
)
def test_addresses_inside_are_known(address):
    assert is_internal(address)


def test_public_addresses_and_those_that_are_allowed_are_not_inside():
    assert not is_internal("8.8.8.8")
    assert not is_internal("2606:4700:4700::1111")
    assert not is_internal("10.1.2.3", networks(["10.1.0.0/16"]))
    assert is_internal("10.2.2.3", networks(["10.1.0.0/16"]))


def test_a_name_that_leads_inside_is_refused_before_anything_is_connected(receiver):
    with start_blocking_portal() as loop:
        strict = SignedPosts(loop, key=KEY)
        for host in ("127.0.0.1", "localhost"):
            url = receiver.url.replace("127.0.0.1", host)
            with pytest.raises(NoAnswer, match="inside our own network"):
                strict.post(Message(id="evt_1", url=url, body=b"{}", salts=["s"]), now=utc_now(), timeout=5)
        loop.call(strict.aclose)
    assert receiver.came == []


def test_a_name_of_two_addresses_leads_to_none_inside_whatever_the_other_is(receiver, monkeypatch):
    """Nothing listens at the first, which is allowed; the second is inside, and would answer."""
    port = urlsplit(receiver.url).port
    two = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in ("127.0.0.2", "127.0.0.1")
    ]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **named: two if host == "two.test" else real(host, *rest, **named)
    )
    message = Message(id="evt_1", url=receiver.url.replace("127.0.0.1", "two.test"), body=b"{}", salts=["s"])
    with start_blocking_portal() as loop:
        for allowed, told in ((["127.0.0.2"], 0), (["127.0.0.1"], 1)):
            posts = SignedPosts(loop, key=KEY, allowed=networks(allowed))
            with nullcontext() if told else pytest.raises(NoAnswer):
                posts.post(message, now=utc_now(), timeout=5)
            loop.call(posts.aclose)
            assert len(receiver.came) == told


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("example.org/hook", "no address"),
        ("ftp://example.org/hook", "no address"),
        ("https://", "no address"),
        ("https://exa mple.org/", "no address"),
        ("https://example.org:99999/", "no address"),
        ("https://ann:secret@example.org/", "password"),
        ("https://example.org/#part", "fragment"),
        ("http://127.0.0.1/hook", "inside our own network"),
        ("http://[::1]/hook", "inside our own network"),
        ("https://localhost/hook", "inside our own network"),
        ("https://169.254.169.254/latest", "inside our own network"),
        ("http://[::ffff:127.0.0.1]/hook", "inside our own network"),
        ("http://[fec0::1]/hook", "inside our own network"),
        ("http://localhost./hook", "inside our own network"),
        ("http://①②⑦.⓪.⓪.①/hook", "inside our own network"),
        ("http://127.0.0.1./hook", "inside our own network"),
        ("http://127.1/hook", "no address"),
        ("http://2130706433/hook", "no address"),
        ("http://0x7f000001/hook", "no address"),
        ("http://0177.0.0.1/hook", "no address"),
        ("http://0/hook", "no address"),
        ("http://example.0x1/hook", "no address"),
        ("http://[v1.x]/hook", "no address"),
        ("http://example.org:0/hook", "no address"),
        ("https://example.org/" + "x" * 2000, "no address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_at_once(url, what):
    with pytest.raises(BadOutsideUrl, match=what):
        check_outside_url(url)


@pytest.mark.parametrize(
    ("name", "kinds", "what"),
    [("a b", CONTACTS, "is no name"), ("crm", CONTACTS, "already"), ("new", [], "told of nothing")],
)
def test_a_webhook_that_cannot_be_is_refused(ledger, clock, hook, name, kinds, what):
    with pytest.raises(subscriptions.BadWebhook, match=what):
        subscriptions.add(ledger, name, "https://example.org/", kinds=kinds, who="ann", now=clock())


def test_kinds_are_named_one_by_one_or_by_their_level():
    assert subscriptions.kinds_named(["contact.finished"]) == CONTACTS
    assert len(subscriptions.kinds_named(["campaign.*"])) == 5
    assert all(kind.startswith("alert.") for kind in subscriptions.kinds_named(["alert.*", "alert.halt"]))
    with pytest.raises(subscriptions.BadWebhook, match="no event 'contact"):
        subscriptions.kinds_named(["contact.ended"])


def test_a_webhook_that_is_removed_takes_its_events_with_it(ledger, clock, hook):
    some_events(ledger, clock, 3)
    assert subscriptions.remove(ledger, "crm", who="ann", now=clock()) == 3
    some_events(ledger, clock, 3)
    assert written(ledger, "crm") == []
    with pytest.raises(webhooks.NoSuchWebhook):
        state(ledger)


def test_what_waits_or_has_failed_is_found_by_its_indexes(ledger, clock, hook):
    """Whatever has been delivered: that is most, and not looked at."""
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics, which a table of a test has none of")
    plans = []
    with ledger.reading() as db:

        def explain(_db, _cursor, statement, parameters, _context, _many):
            if statement.startswith("SELECT deliveries"):
                rows_ = db.connection.driver_connection.execute("EXPLAIN QUERY PLAN " + statement, parameters)
                plans.extend(row[3] for row in rows_)

        event.listen(ledger.engine, "before_cursor_execute", explain)
        deliveries.heads(db, "crm", clock(), 50, fresh_first=False)
        deliveries.listed(db, "crm", state=DeliveryState.FAILED)
        event.remove(ledger.engine, "before_cursor_execute", explain)
    assert any("ix_deliveries_pending" in plan or "ix_deliveries_order" in plan for plan in plans)
    assert "ix_deliveries_failed" in plans[-1]
    assert not any(plan.startswith("SCAN") for plan in plans), plans
