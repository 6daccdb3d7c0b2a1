"""Nodes on one link find each other without being told of anybody; the link is loopback alone."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.waiting import wait_until_async

from minicoin.app.build import Bind, NodeSetup
from minicoin.core.libp2p.identity import Identity
from minicoin.core.notices import AddressesLearned, InboundLost
from minicoin.core.params.builtin import REGTEST, lookup
from minicoin.core.primitives.address import AddressSource
from minicoin.drivers.reports import MdnsFailed

from .node_under_test import NodeUnderTest, running_setup

# Others that test on this machine are on the same link.
NETWORK = replace(REGTEST, spacing_s=REGTEST.spacing_s + os.getpid())


def setup(directory: Path, number: int, network=NETWORK) -> NodeSetup:
    return NodeSetup(
        network,
        directory / str(number),
        binds=(Bind("127.0.0.1", 0),),
        identity=Identity.from_number(number),
        uses_mdns=True,
    )


def is_connected(node: NodeUnderTest, number: int) -> bool:
    wanted = Identity.from_number(number).peer_id.multihash
    return any(session.remote.peer_id == wanted and session.is_ready for session in node.core.view.sessions.values())


def test_two_nodes_find_each_other_and_leave_another_network_alone(tmp_path: Path) -> None:
    stranger = setup(tmp_path, 3, lookup("test"))

    async def main() -> None:
        async with running_setup(stranger) as foreign, running_setup(setup(tmp_path, 1)) as one:
            async with running_setup(setup(tmp_path, 2)) as two:
                failures: list[str] = []

                def has_ended() -> bool:
                    failures[:] = one.reasons(MdnsFailed) + two.reasons(MdnsFailed)
                    return bool(failures) or (is_connected(one, 2) and is_connected(two, 1))

                await wait_until_async(has_ended, "one connection")
                if failures and os.environ.get("CI") != "true":
                    pytest.skip(f"no multicast on loopback here: {failures[0]}")
                learned = [notice for notice in one.notices + two.notices if isinstance(notice, AddressesLearned)]
                assert {notice.source for notice in learned if notice.added} == {AddressSource.MDNS}
                # Both may have dialled; one of the two connections stays.
                for node in (one, two):
                    await wait_until_async(lambda node=node: len(node.core.view.sessions) == 1, "one connection")
                    assert not node.reasons(MdnsFailed)
            assert not foreign.core.view.sessions
            assert not foreign.reasons(InboundLost)

    trio.run(main)
