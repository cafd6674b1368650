"""Free ports are found, and no two stacks choose the same."""

import socket

from tools.stack.names import HOST
from tools.stack.ports import can_listen, reserved_ports


def test_a_taken_port_is_passed_over() -> None:
    with reserved_ports() as first:
        pass
    with socket.socket() as squatter:
        squatter.bind((HOST, first["auth"]))
        squatter.listen()
        assert not can_listen(first["auth"])
        with reserved_ports() as second:
            assert second["auth"] != first["auth"]
            assert can_listen(second["auth"])


def test_two_stacks_that_start_at_once_get_different_ports() -> None:
    with reserved_ports() as first, reserved_ports() as second:
        assert not set(first.values()) & set(second.values())


def test_every_emulator_of_a_stack_gets_a_port_of_its_own() -> None:
    with reserved_ports() as ports:
        assert len(set(ports.values())) == len(ports)


def test_a_reservation_ends_with_its_block() -> None:
    with reserved_ports() as first:
        pass
    with reserved_ports() as second:
        assert second == first
