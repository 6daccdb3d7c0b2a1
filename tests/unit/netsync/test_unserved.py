"""Services that nobody here offers: whoever uses one is left, with its name."""

import pytest

from minicoin.core.faults import PeerFault
from minicoin.core.netsync.unserved import refuse_bloom, unserved_routes
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.core.wire.codec import command_of
from minicoin.core.wire.messages import (
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    MemPool,
    Message,
)

PEER = PeerView(1, NodeAddress("127.0.0.1", 1), is_inbound=True)
NOW = Micros(0)


@pytest.mark.parametrize(
    ("message", "service"),
    [
        (FilterLoad(b"\xff", 1, 0, 0), "NODE_BLOOM"),
        (FilterAdd(b"x"), "NODE_BLOOM"),
        (FilterClear(), "NODE_BLOOM"),
        (GetCFilters(0, 0, bytes(32)), "NODE_COMPACT_FILTERS"),
        (GetCFHeaders(0, 0, bytes(32)), "NODE_COMPACT_FILTERS"),
        (GetCFCheckpt(0, bytes(32)), "NODE_COMPACT_FILTERS"),
    ],
    ids=lambda value: command_of(value) if not isinstance(value, str) else value,
)
def test_each_costs_the_connection_and_no_score(message: Message, service: str) -> None:
    (route,) = [route for route in unserved_routes() if route.message is type(message)]
    with pytest.raises(PeerFault) as caught:
        route.handle(PEER, message, NOW)
    assert (caught.value.reason, caught.value.score) == (f"{command_of(message)} without {service}", 0)


def test_the_mempool_is_refused_in_the_same_words() -> None:
    with pytest.raises(PeerFault, match="mempool without NODE_BLOOM"):
        refuse_bloom(PEER, MemPool(), NOW)
