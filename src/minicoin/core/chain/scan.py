"""Looks through the coins of one moment for those of certain scripts, a step at a time."""

from collections.abc import Generator, Iterable
from typing import Final

from minicoin.core.chain.undo import COIN_HEAD, unpack_coin
from minicoin.core.faults import MisuseError
from minicoin.core.limits import SCAN_FOUND_COINS_MAX
from minicoin.core.primitives.coin_scan import ScanProgress
from minicoin.core.primitives.transaction import Outpoint, outpoint_index, outpoint_txid
from minicoin.core.primitives.verdicts import Coin

# A millisecond or two: whoever runs this says how many steps make a slice.
_COINS_PER_STEP: Final = 500


def find_coins(
    coins: Iterable[tuple[Outpoint, bytes]], scripts: frozenset[bytes], progress: ScanProgress
) -> Generator[None, None, tuple[tuple[Outpoint, Coin], ...]]:
    """The packed coins of these scripts, in the order of their transactions and places. Ends early where `progress`
    says so. Raises MisuseError where there are too many."""
    found: dict[Outpoint, Coin] = {}
    for outpoint, packed in coins:
        progress.coins_seen += 1
        if packed[COIN_HEAD.size :] in scripts:
            found[outpoint] = unpack_coin(packed)
            if len(found) > SCAN_FOUND_COINS_MAX:
                raise MisuseError(f"more than {SCAN_FOUND_COINS_MAX} coins are found; scan for fewer scripts at a time")
        if progress.coins_seen % _COINS_PER_STEP == 0:
            progress.percent = 100 * int.from_bytes(outpoint[:2], "big") >> 16
            if progress.is_aborted:
                break
            yield
    return tuple(sorted(found.items(), key=lambda row: (outpoint_txid(row[0]), outpoint_index(row[0]))))
