"""Counts and hashes a set of coins as Bitcoin Core does for gettxoutsetinfo, so that any two nodes can be compared.

A coin is written as outpoint, height and coinbase flag, amount and script; transactions come in the order of their
ids' bytes, and the outputs of one by index. `hash_serialized_3` is the double SHA-256 of it all, `muhash` does not
depend on the order.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple, Protocol

from minicoin.core.chain.undo import COIN_HEAD
from minicoin.core.crypto.muhash import MuHash
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import Outpoint, outpoint_index

_HEAD: Final = Struct("<Iq")
# Bitcoin Core's measure of a set that no database has: 50 bytes and the script for each coin.
_BOGO_BYTES: Final = 50
_TXID_BYTES: Final = 32
# A millisecond or two: whoever runs this says how many steps make a slice.
_COINS_PER_STEP: Final = 50


class CoinSetTotals(NamedTuple):
    """What gettxoutsetinfo tells. `digest` is empty where no hash was asked for."""

    coins: int
    transactions: int
    total_sat: int
    bogosize: int
    digest: bytes


class _CoinHash(Protocol):
    def add(self, element: bytes) -> None: ...
    def digest(self) -> bytes: ...


class _Serialized:
    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, element: bytes) -> None:
        self._hash.update(element)

    def digest(self) -> bytes:
        return sha256(self._hash.digest()).digest()


class _NoHash:
    def add(self, element: bytes) -> None:
        """Nobody asked."""

    def digest(self) -> bytes:
        return b""


_KINDS: Final[Mapping[str, Callable[[], _CoinHash]]] = {
    "hash_serialized_3": _Serialized,
    "muhash": MuHash,
    "none": _NoHash,
}


def count_coins(coins: Iterable[tuple[Outpoint, bytes]], kind: str) -> Generator[None, None, CoinSetTotals]:
    """Totals of packed coins in the order of their keys, a step at a time."""
    make = _KINDS.get(kind)
    if make is None:
        raise MisuseError(f"{kind!r} is no hash of coins")
    found = make()
    count = transactions = total = size = 0
    txid = b""
    outputs: list[tuple[int, bytes, int, bytes]] = []
    for outpoint, packed in coins:
        if outpoint[:_TXID_BYTES] != txid:
            _add_outputs(found, outputs)
            txid = outpoint[:_TXID_BYTES]
            transactions += 1
        code, value = COIN_HEAD.unpack_from(packed)
        script = packed[COIN_HEAD.size :]
        outputs.append((outpoint_index(outpoint), outpoint + _HEAD.pack(code, value), len(script), script))
        count += 1
        total += value
        size += _BOGO_BYTES + len(script)
        if count % _COINS_PER_STEP == 0:
            yield
    _add_outputs(found, outputs)
    return CoinSetTotals(count, transactions, total, size, found.digest())


def _add_outputs(found: _CoinHash, outputs: list[tuple[int, bytes, int, bytes]]) -> None:
    """Those of one transaction: keys are in the order of their bytes, where 256 comes before 1."""
    outputs.sort()
    for _, head, length, script in outputs:
        found.add(head + encode_compact(length) + script)
    outputs.clear()
