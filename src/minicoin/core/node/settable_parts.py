"""What of a node members may set: each setting with where its value lies.

Parts read what is set here each time they need it, so that a new value holds from the next use on: the next payment,
the next block that is put together, the next connection, the next height.
"""

from collections.abc import Callable
from dataclasses import replace

from minicoin.core.configuration.settable import Settable, SettingSource
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.consensus.flow import Consensus
from minicoin.core.consensus.timeouts import RoundTimes
from minicoin.core.consensus.voting import times_of
from minicoin.core.node.parts import CommonParts, Parts
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.settings import (
    BLOCK_MIN_FEERATE,
    BLOCK_WEIGHT,
    EMPTY_AFTER,
    INBOUND,
    MEMPOOL_SIZE,
    MIN_RELAY_FEERATE,
    PRECOMMIT_TIMEOUT,
    PREVOTE_TIMEOUT,
    PROPOSE_TIMEOUT,
    TIMEOUT_STEP,
    SettingRow,
)

_MEGABYTE = 1_000_000
_MILLISECOND_US = 1_000


def common_settables(shared: CommonParts) -> tuple[Settable, ...]:
    """Of every node."""
    return (_inbound(shared.connections),)


def settables_of(shared: Parts, consensus: Consensus | None) -> tuple[Settable, ...]:
    """Of a node that keeps blocks; the rounds' where it signs for a member."""
    return (*_rounds(shared, consensus), *_payments(shared), *common_settables(shared))


def _number(
    row: SettingRow, get: Callable[[], int], put: Callable[[int], None], source: SettingSource = SettingSource.DEFAULT
) -> Settable:
    return Settable(row, source, lambda: str(get()), lambda text: put(row.number(text)))


def _inbound(connections: ConnectionManager) -> Settable:
    return _number(INBOUND, lambda: connections.policy.inbound_slots, connections.set_inbound_slots)


def _payments(shared: Parts) -> tuple[Settable, ...]:
    pool = shared.mempool

    def put_relayed(feerate: int) -> None:
        pool.policy = replace(pool.policy, min_relay_feerate=feerate)
        shared.relay.set_feerate_floor(feerate)

    def put_mined(feerate: int) -> None:
        pool.policy = replace(pool.policy, block_min_feerate=feerate)

    def put_weight(weight: int) -> None:
        shared.policy = replace(shared.policy, block_weight_max=weight)

    def put_size(megabytes: int) -> None:
        pool.policy = replace(pool.policy, bytes_max=megabytes * _MEGABYTE)

    return (
        _number(MIN_RELAY_FEERATE, lambda: pool.policy.min_relay_feerate, put_relayed),
        _number(BLOCK_MIN_FEERATE, lambda: pool.policy.block_min_feerate, put_mined),
        _number(BLOCK_WEIGHT, lambda: shared.policy.block_weight_max, put_weight),
        _number(MEMPOOL_SIZE, lambda: pool.policy.bytes_max // _MEGABYTE, put_size),
    )


def _rounds(shared: Parts, consensus: Consensus | None) -> tuple[Settable, ...]:
    kind = shared.network.proof
    if not isinstance(kind, SignersKind):
        return ()
    times = _Times(times_of(kind), consensus)

    def milliseconds(row: SettingRow, get: Callable[[RoundTimes], int], put: Callable[[int], RoundTimes]) -> Settable:
        return _number(
            row,
            lambda: get(times.value) // _MILLISECOND_US,
            lambda number: times.put(put(number * _MILLISECOND_US)),
            SettingSource.NETWORK,
        )

    return (
        _number(
            EMPTY_AFTER,
            lambda: times.value.empty_after_s,
            lambda seconds: times.put(replace(times.value, empty_after_s=seconds)),
            SettingSource.NETWORK,
        ),
        milliseconds(PROPOSE_TIMEOUT, lambda now: now.propose_us, lambda us: replace(times.value, propose_us=us)),
        milliseconds(PREVOTE_TIMEOUT, lambda now: now.prevote_us, lambda us: replace(times.value, prevote_us=us)),
        milliseconds(PRECOMMIT_TIMEOUT, lambda now: now.precommit_us, lambda us: replace(times.value, precommit_us=us)),
        milliseconds(TIMEOUT_STEP, lambda now: now.step_us, lambda us: replace(times.value, step_us=us)),
    )


class _Times:
    """The rounds' settings, which a node that signs for nobody shows and has no use for."""

    def __init__(self, value: RoundTimes, consensus: Consensus | None) -> None:
        self.value = value
        self._consensus = consensus

    def put(self, value: RoundTimes) -> None:
        self.value = value
        if self._consensus is not None:
            self._consensus.use_times(value)
