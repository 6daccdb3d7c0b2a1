"""Listening: a port that is taken is an error that names it, and nothing stays open behind it."""

import errno
import socket

import pytest
import trio
import trio.testing
from tests.ports import free_ports

from minicoin.drivers.inbox import Inbox
from minicoin.drivers.network import BindError, Sockets, listening_port, open_listeners
from minicoin.drivers.transport import PlainTransport


@pytest.fixture
def autojump_clock():
    return trio.testing.MockClock(autojump_threshold=0)


def test_a_port_in_use_is_named_with_what_to_do():
    async def play():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(BindError, match=rf"127\.0\.0\.1 port {port}: .*in use.*-l"):
                await open_listeners([("127.0.0.1", 0), ("127.0.0.1", port)])

    trio.run(play)


def test_an_address_that_is_not_ours_is_named():
    async def play():
        with pytest.raises(BindError, match=r"cannot listen on 203\.0\.113\.1 port 0"):
            await open_listeners([("203.0.113.1", 0)])

    trio.run(play)


def test_each_listener_gets_a_port_of_its_own_and_a_freed_one_can_be_had_again():
    async def play():
        listeners = await open_listeners([("127.0.0.1", 0), ("127.0.0.1", 0)])
        ports = [listening_port(listener) for listener in listeners]
        assert len(set(ports)) == 2 and 0 not in ports
        for listener in listeners:
            await listener.aclose()
        # Of those that no connection takes meanwhile.
        freed = [("127.0.0.1", port) for port in free_ports(2)]
        for _ in range(2):
            for listener in await open_listeners(freed):
                await listener.aclose()

    trio.run(play)


class OpenSockets(Sockets):
    """Sockets that are given a listener without opening one."""

    async def accept_from(self, listener, transport):
        await self._accept(listener, transport)


class FullListener:
    """Out of file handles for a while, then open to nobody."""

    def __init__(self, refusals):
        self.refusals = refusals

    async def accept(self):
        if not self.refusals:
            await trio.sleep_forever()
        self.refusals -= 1
        raise OSError(errno.EMFILE, "Too many open files")


def test_running_out_of_files_is_said_once_and_waited_for(autojump_clock):
    troubles = []

    async def play():
        network = OpenSockets(bytes(4), PlainTransport(), Inbox(), lambda: 0)
        network.on_trouble = troubles.append
        with trio.move_on_after(60):
            await network.accept_from(FullListener(50), PlainTransport())
        assert trio.current_time() >= 50 * 0.1

    trio.run(play, clock=autojump_clock)
    assert troubles == ["no connection can be accepted: Too many open files"]
