"""The target that the next block must meet: Bitcoin's two-week rule, BIP94's, aserti3-2d, or none.

Integer arithmetic throughout. The proof port asks here; nobody else decides a block's bits.
"""

from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.params.network import Network
from minicoin.core.params.rules import RetargetKind
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.primitives.target import bits_to_target, target_to_bits

_ADJUSTMENT_MAX: Final = 4
_RADIX_BITS: Final = 16
# Two targets of one curve are each rounded to 15 bits at least, and the curve is 0.013 % off.
_ASERT_SLACK_PARTS: Final = 256
# BIP94: the first block of a window may lie this far behind its parent, no further.
_TIME_WARP_S: Final = 600


class Difficulty:
    """Next bits on one network. Keeps one memo, which changes no answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._limit_bits = network.pow_limit_bits
        self._walked: tuple[HeaderNode, int] | None = None

    def next_bits(self, parent: HeaderNode, time: int) -> int:
        """The bits that a child of `parent` with that time must carry."""
        match self._network.retarget.kind:
            case RetargetKind.NONE:
                return parent.header.bits
            case RetargetKind.ASERT:
                return self._asert(parent)
            case RetargetKind.BITCOIN:
                return self._windowed(parent, time, from_first=False)
            case RetargetKind.BIP94:
                return self._windowed(parent, time, from_first=True)

    def earliest_time(self, parent: HeaderNode) -> int:
        """The time that a child of `parent` may not go below, beyond the rule of the median time."""
        rule = self._network.retarget
        if rule.kind is RetargetKind.BIP94 and (parent.height + 1) % rule.interval == 0:
            return parent.header.time - _TIME_WARP_S
        return 0

    def permits(self, height: int, header: BlockHeader, previous: BlockHeader, before: BlockHeader | None) -> bool:
        """Whether these bits may follow those, whatever lies below `before`: the step is not too large. Without this a
        liar could claim the work of a whole chain in one header."""
        rule = self._network.retarget
        match rule.kind:
            case RetargetKind.NONE:
                return header.bits == previous.bits
            case RetargetKind.ASERT:
                return self._permits_asert(height, header, previous, before)
            case RetargetKind.BITCOIN | RetargetKind.BIP94:
                if rule.allow_min_difficulty:
                    return True
                return self._permits_window(height, header, previous)

    def _permits_window(self, height: int, header: BlockHeader, previous: BlockHeader) -> bool:
        if height % self._network.retarget.interval:
            return header.bits == previous.bits
        base, found = bits_to_target(previous.bits), bits_to_target(header.bits)
        if base is None or found is None:
            return False
        limit = self._network.pow_limit
        # Rounded as the rule rounds them.
        easiest = bits_to_target(target_to_bits(min(base * _ADJUSTMENT_MAX, limit)))
        hardest = bits_to_target(target_to_bits(min(base // _ADJUSTMENT_MAX, limit)))
        return easiest is not None and hardest is not None and hardest <= found <= easiest

    def _permits_asert(
        self, height: int, header: BlockHeader, previous: BlockHeader, before: BlockHeader | None
    ) -> bool:
        rule, limit = self._network.retarget, self._network.pow_limit
        if height <= rule.anchor_height:
            return header.bits == self._limit_bits
        if height == rule.anchor_height + 1:
            return header.bits == previous.bits
        base, found = bits_to_target(previous.bits), bits_to_target(header.bits)
        if base is None or found is None:
            return False
        if before is None:
            return True
        expected = asert_target(
            base,
            elapsed_s=previous.time - before.time,
            blocks=0,
            spacing_s=self._network.spacing_s,
            half_life_s=rule.half_life_s,
            limit=limit,
        )
        slack = expected // _ASERT_SLACK_PARTS + 1
        # At the limit nobody knows how far above it the unbounded target lies.
        highest = limit if previous.bits == self._limit_bits else expected + slack
        return min(expected - slack, limit) <= found <= min(highest, limit)

    def _windowed(self, parent: HeaderNode, time: int, *, from_first: bool) -> int:
        rule = self._network.retarget
        height = parent.height + 1
        if height % rule.interval:
            if not rule.allow_min_difficulty:
                return parent.header.bits
            if time > parent.header.time + 2 * self._network.spacing_s:
                return self._limit_bits
            return self._last_ordinary_bits(parent)
        first = parent.ancestor(height - rule.interval)
        # BIP94: the first block of a window can never use the minimum-difficulty exception, so it keeps the real
        # difficulty where the last block may have lost it.
        base = bits_to_target((first if from_first else parent).header.bits)
        assert base is not None
        span = parent.header.time - first.header.time
        span = max(rule.timespan_s // _ADJUSTMENT_MAX, min(span, rule.timespan_s * _ADJUSTMENT_MAX))
        return target_to_bits(min(base * span // rule.timespan_s, self._network.pow_limit))

    def _last_ordinary_bits(self, parent: HeaderNode) -> int:
        """The bits of the last block in the window that did not use the minimum-difficulty exception."""
        interval = self._network.retarget.interval
        node = parent
        while node.parent is not None and node.height % interval and node.header.bits == self._limit_bits:
            # A run of exceptional blocks is walked once, not once per header that arrives.
            if self._walked is not None and self._walked[0] is node:
                bits = self._walked[1]
                break
            node = node.parent
        else:
            bits = node.header.bits
        self._walked = (parent, bits)
        return bits

    def _asert(self, parent: HeaderNode) -> int:
        rule = self._network.retarget
        if parent.height < rule.anchor_height:
            return self._limit_bits
        anchor = parent.ancestor(rule.anchor_height)
        base = bits_to_target(anchor.header.bits)
        assert base is not None
        # The anchor itself is taken to be on time: counted from its parent, the years between a genesis block and
        # the first block mined on it would hold the target at its limit for as long.
        spacing = self._network.spacing_s
        return target_to_bits(
            asert_target(
                base,
                elapsed_s=parent.header.time - anchor.header.time + spacing,
                blocks=parent.height - anchor.height,
                spacing_s=spacing,
                half_life_s=rule.half_life_s,
                limit=self._network.pow_limit,
            )
        )


def asert_target(
    anchor_target: int, *, elapsed_s: int, blocks: int, spacing_s: int, half_life_s: int, limit: int
) -> int:
    """aserti3-2d: the anchor's target times 2**((elapsed - ideal) / half life), by its cubic approximation.

    `elapsed_s` runs from the anchor's parent to the tip, `blocks` from the anchor to the tip.
    """
    scaled = (elapsed_s - spacing_s * (blocks + 1)) << _RADIX_BITS
    # The definition truncates towards zero, unlike Python's floor division.
    exponent = scaled // half_life_s if scaled >= 0 else -(-scaled // half_life_s)
    shift = exponent >> _RADIX_BITS
    fraction = exponent & 0xFFFF
    factor = 0x1_0000 + (
        (195_766_423_245_049 * fraction + 971_821_376 * fraction**2 + 5_127 * fraction**3 + (1 << 47)) >> 48
    )
    shift -= _RADIX_BITS
    if shift > 256:
        return limit
    target = anchor_target * factor
    target = target << shift if shift >= 0 else target >> -shift
    return max(1, min(target, limit))
