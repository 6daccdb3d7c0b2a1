"""Which coins pay for a payment: a search for a set that needs no change, else one coin or the largest ones.

Works on values after the cost of spending each coin, so that a coin never costs more than it brings. Deterministic:
equal candidates give equal choices. Follows Murch's branch and bound as Bitcoin Core uses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from minicoin.core.limits import WALLET_SELECTION_STEPS_MAX
from minicoin.core.wallet.records import WalletCoin


@dataclass(frozen=True, slots=True)
class SpendableCoin:
    """A coin and what it brings: its value less the fee of its input."""

    coin: WalletCoin
    effective_sat: int


def make_candidates(coins: Sequence[WalletCoin], input_fee_sat: int) -> list[SpendableCoin]:
    """The coins that are worth spending, most valuable first."""
    worth = [SpendableCoin(coin, coin.output.value - input_fee_sat) for coin in coins]
    usable = [candidate for candidate in worth if candidate.effective_sat > 0]
    return sorted(usable, key=lambda candidate: (-candidate.effective_sat, candidate.coin.outpoint))


def select_exact(
    candidates: Sequence[SpendableCoin], target_sat: int, excess_max_sat: int, count_max: int
) -> list[WalletCoin] | None:
    """A set of at most `count_max` that brings at least `target_sat` and at most `excess_max_sat` more, the least
    excess found within the limit on steps; None where there is none. `candidates` as make_candidates sorts them."""
    rest = [0] * (len(candidates) + 1)
    for index in range(len(candidates) - 1, -1, -1):
        rest[index] = rest[index + 1] + candidates[index].effective_sat
    behind_equals = _ends_of_equals(candidates)
    best: list[int] | None = None
    best_excess = excess_max_sat + 1
    chosen: list[int] = []
    brought = index = 0
    for _ in range(WALLET_SELECTION_STEPS_MAX):
        excess = brought - target_sat
        if 0 <= excess < best_excess:
            best, best_excess = list(chosen), excess
        is_full = len(chosen) == count_max or index == len(candidates)
        if excess >= 0 or is_full or brought + rest[index] < target_sat:
            # Too much, or out of reach: leave out the coin taken last and go on behind it.
            if not chosen or best_excess == 0:
                break
            index = chosen.pop()
            brought -= candidates[index].effective_sat
            index = behind_equals[index]
            continue
        chosen.append(index)
        brought += candidates[index].effective_sat
        index += 1
    return None if best is None else [candidates[index].coin for index in best]


def _ends_of_equals(candidates: Sequence[SpendableCoin]) -> list[int]:
    """For each candidate the index of the next one of another value: leaving out one coin and taking its equal
    changes nothing."""
    ends = [len(candidates)] * len(candidates)
    for index in range(len(candidates) - 2, -1, -1):
        equal = candidates[index].effective_sat == candidates[index + 1].effective_sat
        ends[index] = ends[index + 1] if equal else index + 1
    return ends


def select_with_change(candidates: Sequence[SpendableCoin], target_sat: int) -> list[WalletCoin] | None:
    """The smallest single coin that brings `target_sat`, else the largest coins until they do; None where all of them
    do not."""
    enough = [candidate for candidate in candidates if candidate.effective_sat >= target_sat]
    if enough:
        return [enough[-1].coin]
    chosen: list[WalletCoin] = []
    brought = 0
    for candidate in candidates:
        chosen.append(candidate.coin)
        brought += candidate.effective_sat
        if brought >= target_sat:
            return chosen
    return None
