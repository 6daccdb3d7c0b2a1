"""What a network model does for its price: copies of what it carries, how evenly its nodes bear it, what it costs where
nothing is carried, how nodes join, how letters and searches end, and what of it survives faults.

A figure that was not measured is None, never 0. Counts are of honest nodes. Messages fall in four kinds, by their names
in the record: Bitcoin's that carry the ledger (items), the model's own (`overlay/`, control), those of records and of
letters, and the rest of Bitcoin's (upkeep: pings, addresses, handshakes).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minicoin.core.encoding.compact import compact_length
from minicoin.core.units import HOUR_US
from minicoin.core.wire.codec_inventory import INVENTORY_VECTOR_SIZE
from minicoin.core.wire.frame import FRAME_HEADER_SIZE
from minicoin.sim.measure.record import NEVER, ErrandRecord, FloatArray, IntArray, RunRecord

_ITEMS: Final = frozenset(
    {
        *("inv", "getdata", "tx", "block", "headers", "getheaders", "getblocks", "notfound", "mempool"),
        *("cmpctblock", "getblocktxn", "blocktxn"),
    }
)
_CONTROL, _RECORDS, _LETTERS = "overlay/", "records/", "directed/"
WHOLE_SHARE: Final = 0.99
"""A network whose largest part has so many of the nodes that run counts as whole."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What messages of one kind cost: bytes and messages handled, per node and hour."""

    bytes_per_node_hour: float
    events_per_node_hour: float


@dataclass(frozen=True, slots=True)
class ErrandEnds:
    """How letters or searches ended."""

    sent: int
    delivered: float
    """Share with a receipt, or with a certain answer."""
    failed: float
    uncertain: float
    """Share whose sender was left in doubt: maybe, or by hearsay."""
    late: float
    """Share that ended after LATE_US, or not at all."""
    took_p50_us: float | None
    """Of those delivered."""
    took_p99_us: float | None
    cost: float | None
    """Mean hops of a letter that was delivered, or peers asked by a search."""


@dataclass(frozen=True, slots=True)
class OverlayFigures:
    """One run."""

    block_payloads: float | None
    """Times a node received a block whole, mean over blocks and nodes: 1 is the least, the rest is redundant."""
    block_announcements: float | None
    """Headers messages a node received for each block."""
    transaction_payloads: float | None
    transaction_announcements: float | None
    node_bytes_mean: float | None
    """Sent and received by a node."""
    node_bytes_max: float | None
    node_bytes_gini: float | None
    """0: all bear the same; 1: one bears all."""
    control: Spent | None
    records: Spent | None
    letters_spent: Spent | None
    upkeep: Spent | None
    item_events_per_block: float | None
    """Messages handled that carry the ledger, in the whole network."""
    join_ready_p50_us: float | None
    """From switching a node on to its first handshake; to its neighbours' tip."""
    join_level_p50_us: float | None
    joins: int
    letters: ErrandEnds | None
    searches: ErrandEnds | None
    survival: float | None
    """The least share of the running nodes that were in one piece, from the first fault on."""
    recovery_us: int | None
    """From the first fault until the network was whole for good; None where it never was broken or is broken still."""


LATE_US: Final = 15_000_000


def summarize_overlay(record: RunRecord) -> OverlayFigures:
    """All of it."""
    honest = _honest(record)
    carried = _carried(record, honest)
    survival, recovery_us = _survival(record)
    blocks, transactions = len(record.blocks), _transaction_count(record)
    inventory = _inventory_entries(record, honest)
    return OverlayFigures(
        block_payloads=_each(_received(record, honest, "block"), honest, blocks),
        block_announcements=_each(_received(record, honest, "headers"), honest, blocks),
        transaction_payloads=_each(_received(record, honest, "tx"), honest, transactions),
        transaction_announcements=_each(inventory, honest, transactions),
        node_bytes_mean=float(carried.mean()) if carried.size else None,
        node_bytes_max=float(carried.max()) if carried.size else None,
        node_bytes_gini=gini(carried),
        control=_spent(record, honest, lambda name: name.startswith(_CONTROL)),
        records=_spent(record, honest, lambda name: name.startswith(_RECORDS)),
        letters_spent=_spent(record, honest, lambda name: name.startswith(_LETTERS)),
        upkeep=_spent(record, honest, lambda name: "/" not in name and name not in _ITEMS),
        item_events_per_block=_item_events(record, honest),
        join_ready_p50_us=_median([one.ready_us for one in record.joins]),
        join_level_p50_us=_median([one.level_us for one in record.joins]),
        joins=len(record.joins),
        letters=_errands([one for one in record.errands if one.kind == "letter"], "delivered", ("maybe",)),
        searches=_errands([one for one in record.errands if one.kind == "search"], "found", ("uncertain",)),
        survival=survival,
        recovery_us=recovery_us,
    )


def gini(values: IntArray | FloatArray) -> float | None:
    """How unequal values are, 0 to 1; None where there is nothing to share."""
    total = float(values.sum())
    if not values.size or total <= 0:
        return None
    ordered = np.sort(values.astype(np.float64))
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * total))


def _honest(record: RunRecord) -> list[int]:
    """Rows of the traffic tables; none where nothing was counted."""
    rows = len(record.traffic.received_messages)
    return [node.index for node in record.nodes if not node.is_attacker and node.index < rows]


def _carried(record: RunRecord, honest: Sequence[int]) -> IntArray:
    traffic = record.traffic
    carried: IntArray = traffic.sent_bytes[honest].sum(axis=1) + traffic.received_bytes[honest].sum(axis=1)
    return carried


def _column(record: RunRecord, table: IntArray, honest: Sequence[int], name: str) -> int:
    types = record.traffic.types
    return int(table[honest, types.index(name)].sum()) if name in types and len(honest) else 0


def _received(record: RunRecord, honest: Sequence[int], name: str) -> int:
    return _column(record, record.traffic.received_messages, honest, name)


def _each(received: int, honest: Sequence[int], items: float) -> float | None:
    """Per item and node; who made an item received it from nobody, which one in many nodes does not show."""
    return received / (items * len(honest)) if items and honest else None


def _inventory_entries(record: RunRecord, honest: Sequence[int]) -> int:
    """What all inv messages named, from their bytes: each is a frame, a short count and its entries."""
    messages = _received(record, honest, "inv")
    size = _column(record, record.traffic.received_bytes, honest, "inv")
    return max(0, size - messages * (FRAME_HEADER_SIZE + compact_length(1))) // INVENTORY_VECTOR_SIZE


def _transaction_count(record: RunRecord) -> float:
    """Payments of the run, from those whose way was recorded."""
    measure = record.canonical.get("measure")
    share = measure.get("transactions") if isinstance(measure, dict) else None
    return len(record.transactions) / share if isinstance(share, float | int) and share else 0.0


def _spent(record: RunRecord, honest: Sequence[int], is_meant: Callable[[str], bool]) -> Spent | None:
    traffic = record.traffic
    columns = [index for index, name in enumerate(traffic.types) if is_meant(name)]
    hours = record.virtual_us / HOUR_US * len(honest)
    if not columns or not hours:
        return None
    rows = np.ix_(honest, columns)
    messages = int(traffic.received_messages[rows].sum())
    return Spent(float(traffic.sent_bytes[rows].sum()) / hours, messages / hours)


def _item_events(record: RunRecord, honest: Sequence[int]) -> float | None:
    columns = [index for index, name in enumerate(record.traffic.types) if name in _ITEMS]
    if not record.blocks or not honest:
        return None
    return float(record.traffic.received_messages[np.ix_(honest, columns)].sum()) / len(record.blocks)


def _median(values: Sequence[int]) -> float | None:
    """Over nodes; one that never came that far comes after all that did."""
    if not values:
        return None
    ordered = sorted(values, key=lambda value: (value == NEVER, value))
    middle = ordered[len(ordered) // 2]
    return None if middle == NEVER else float(middle)


def _errands(errands: Sequence[ErrandRecord], delivered: str, uncertain: Sequence[str]) -> ErrandEnds | None:
    if not errands:
        return None
    count = len(errands)
    done = [one for one in errands if one.outcome == delivered]
    doubtful = [one for one in errands if one.outcome in uncertain]
    late = [one for one in errands if one.took_us == NEVER or one.took_us > LATE_US]
    times = np.array([one.took_us for one in done], np.float64)
    counted = done if delivered == "delivered" else errands
    return ErrandEnds(
        sent=count,
        delivered=len(done) / count,
        failed=(count - len(done) - len(doubtful)) / count,
        uncertain=len(doubtful) / count,
        late=len(late) / count,
        took_p50_us=float(np.percentile(times, 50)) if times.size else None,
        took_p99_us=float(np.percentile(times, 99)) if times.size else None,
        cost=float(np.mean([one.cost for one in counted])) if counted else None,
    )


def _survival(record: RunRecord) -> tuple[float | None, int | None]:
    """Both are of the series `component`, which measure.connections_every_s takes."""
    series = next((one for one in record.series if one.name == "component"), None)
    starts = [fault.started_us for fault in record.faults if fault.fired]
    if series is None or not starts:
        return None, None
    since = series.time_us >= min(starts)
    if not since.any():
        return None, None
    times, shares = series.time_us[since], series.values[since]
    broken = np.flatnonzero(shares < WHOLE_SHARE)
    if not broken.size or broken[-1] == len(shares) - 1:
        return float(shares.min()), None
    return float(shares.min()), int(times[broken[-1] + 1]) - min(starts)
