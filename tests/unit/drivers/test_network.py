"""Listening: a port that is taken is an error that names it, and nothing stays open behind it."""

import socket

import pytest
import trio

from minicoin.drivers.network import BindError, listening_port, open_listeners


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
        for listener in await open_listeners([("127.0.0.1", port) for port in ports]):
            await listener.aclose()

    trio.run(play)
