import socket

import pytest

from workers.stack.ports import NoPort, Port, Ports


@pytest.fixture
def ports():
    with Ports() as taken:
        yield taken


def free_port() -> int:
    with Ports() as asked:
        return asked.take(0).number


def test_a_free_port_is_the_one_that_was_wanted(ports):
    wanted = free_port()
    assert ports.take(wanted) == Port(wanted, wanted)
    assert not Port(wanted, wanted).moved


def test_a_taken_port_moves_to_a_later_one_and_says_so(ports):
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]
        port = ports.take(wanted)
    assert port.wanted == wanted
    assert port.number > wanted
    assert port.moved


def test_a_port_taken_on_every_address_is_taken_here_too(ports):
    with socket.create_server(("0.0.0.0", 0)) as other:  # noqa: S104
        assert ports.take(other.getsockname()[1]).moved


def test_two_stacks_that_choose_before_either_listens_get_different_ports(ports):
    wanted = free_port()
    first = ports.take(wanted)
    with Ports() as other_stack:
        second = other_stack.take(wanted)
    assert first.number != second.number


def test_a_promised_port_can_be_listened_on(ports):
    got = ports.take(0).number
    with socket.create_server(("127.0.0.1", got)) as server:
        assert server.getsockname()[1] == got


def test_a_port_given_back_can_be_had_again():
    with Ports() as first:
        wanted = first.take(0).number
    with Ports() as second:
        assert second.take(wanted).number == wanted


def test_zero_asks_for_any_port_and_so_never_moves(ports):
    port = ports.take(0)
    assert port.number > 0
    assert not port.moved


@pytest.mark.parametrize("wanted", [-1, 65536, 99999])
def test_a_number_that_is_no_port_is_refused_by_name(ports, wanted):
    with pytest.raises(NoPort, match=str(wanted)):
        ports.take(wanted)


def test_an_address_of_another_machine_is_refused_by_name(ports):
    with pytest.raises(NoPort, match=r"203\.0\.113\.7") as refusal:
        ports.take(0, "203.0.113.7")
    assert refusal.value.remedy
