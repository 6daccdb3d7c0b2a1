"""Services that no node here offers. A peer that uses one all the same is left: it was told in our version message.

Handlers for the routes of whoever takes inventory: inventory/inventory_flow, or header_inventory where there are no
blocks.
"""

from collections.abc import Iterable

from minicoin.core.effects import Effect
from minicoin.core.faults import PeerFault
from minicoin.core.part import PeerView, Route, route
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
)


def refuse_bloom(
    peer: PeerView, message: MemPool | FilterLoad | FilterAdd | FilterClear, now: Micros
) -> Iterable[Effect]:
    """Only nodes that offer NODE_BLOOM serve these, and a peer that asks others is left (BIP111)."""
    raise PeerFault(f"{command_of(message)} without NODE_BLOOM", score=0)


def refuse_filters(peer: PeerView, message: GetCFilters | GetCFHeaders | GetCFCheckpt, now: Micros) -> Iterable[Effect]:
    """The same of block filters (BIP157)."""
    raise PeerFault(f"{command_of(message)} without NODE_COMPACT_FILTERS", score=0)


def unserved_routes() -> tuple[Route, ...]:
    """All of them but MemPool, which an operator may let a peer ask for."""
    return (
        route(FilterLoad, refuse_bloom),
        route(FilterAdd, refuse_bloom),
        route(FilterClear, refuse_bloom),
        route(GetCFilters, refuse_filters),
        route(GetCFHeaders, refuse_filters),
        route(GetCFCheckpt, refuse_filters),
    )
