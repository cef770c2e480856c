"""A sandbox by odds: plain numbers go as the weights say, reserved ones as their table says, repeatably."""

from __future__ import annotations

from collections import Counter

import pytest

from dialer.sandbox.config import BadConfig, SandboxConfig, load_config
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.running import running
from dialer.sandbox.world import World
from tests.support.sandbox_clients import Clients

ODDS = {"first": {"answers": 3, "busy": 1}, "later": {"no_answer": 1}}


def met(seed: int) -> list[ReservedBehaviour]:
    world = World(SandboxConfig(seed=seed, odds=ODDS))
    return [world.next_behaviour("callgear", f"+1415555{number:04}") for number in range(400, 800)]


def test_first_calls_go_by_their_weights_and_the_same_for_the_same_seed():
    counted = Counter(met(seed=1))
    assert counted.keys() == {ReservedBehaviour.ANSWERS, ReservedBehaviour.BUSY}
    assert 240 < counted[ReservedBehaviour.ANSWERS] < 360
    assert met(seed=1) == met(seed=1) != met(seed=2)


def test_later_calls_of_a_number_have_weights_of_their_own_and_reserved_numbers_none():
    world = World(SandboxConfig(seed=1, odds=ODDS))
    later = [world.next_behaviour("webex", "+14155550400") for _ in range(5)][1:]
    assert set(later) == {ReservedBehaviour.NO_ANSWER}
    assert {world.next_behaviour("webex", "+14155550111") for _ in range(5)} == {ReservedBehaviour.BUSY}


@pytest.mark.parametrize(
    "odds", ["{first: {answers: 0}, later: {answers: 1}}", "{first: {}, later: {busy: 1}}", "{first: {sings: 1}}"]
)
def test_weights_of_nothing_are_refused(tmp_path, odds):
    file = tmp_path / "sandbox.yaml"
    file.write_text(f"odds: {odds}\n")
    with pytest.raises(BadConfig, match=r"odds\.first"):
        load_config(file)


def test_a_sandbox_that_knows_all_has_every_caller_id_and_scenario():
    call = {"contact": "14155550107", "virtual_phone_number": "13125550123", "scenario_id": 777}
    with running(SandboxConfig(seed=1)) as sandbox:
        vendor = Clients(sandbox)
        refused = vendor.rpc("start.scenario_call", first_call="contact", **call)
        sandbox.configure(knows_all=True)
        started = vendor.rpc("start.scenario_call", first_call="contact", **call)
        vendor.http.close()
    assert refused["error"]["data"]["mnemonic"] in {"scenario_not_found", "virtual_phone_number_not_found"}
    assert started["result"]["data"]["call_session_id"] > 0
