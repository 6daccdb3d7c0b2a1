"""What the header tree tells people: the ends of its branches, and how far the engine has come."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from minicoin.core.chain.header_node import CONNECTED, FAILED, VALID, HeaderNode, find_common_ancestor
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.units import Micros, seconds

_FRESH_S: Final = 24 * 3600


class TipStatus(StrEnum):
    """Bitcoin Core's words in getchaintips."""

    ACTIVE = "active"
    VALID_FORK = "valid-fork"
    """It was part of the active chain once."""
    VALID_HEADERS = "valid-headers"
    """All its blocks are stored, not all were connected."""
    HEADERS_ONLY = "headers-only"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ChainTip:
    """The end of a branch; `branch_length` counts its blocks that are not on the active chain."""

    node: HeaderNode
    status: TipStatus
    branch_length: int


def chain_tips(tree: HeaderReader) -> tuple[ChainTip, ...]:
    """The active tip and every header that nothing builds on, highest first."""
    ends = {tree.tip.hash: tree.tip} | {leaf.hash: leaf for leaf in tree.leaves()}
    tips = [ChainTip(node, _status(tree, node), _branch_length(tree, node)) for node in ends.values()]
    return tuple(sorted(tips, key=lambda tip: (-tip.node.height, tip.node.hash)))


def verification_progress(tree: HeaderReader, now: Micros) -> float:
    """The share of the blocks up to now that the engine has connected, between 0 and 1. Blocks whose headers are not
    here yet are guessed from the clock and the network's spacing."""
    best = max(tree.best_header, tree.tip, key=lambda node: node.height)
    age_s = seconds(now) - best.header.time
    # A quiet hour is no sign of missing blocks, a day is.
    missing = age_s // tree.network.spacing_s if age_s > _FRESH_S else 0
    expected = best.height + missing
    return 1.0 if expected == 0 else tree.tip.height / expected


def _status(tree: HeaderReader, node: HeaderNode) -> TipStatus:
    if tree.is_active(node):
        return TipStatus.ACTIVE
    if node.status & FAILED:
        return TipStatus.INVALID
    if node.status & VALID:
        return TipStatus.VALID_FORK
    return TipStatus.VALID_HEADERS if node.status & CONNECTED else TipStatus.HEADERS_ONLY


def _branch_length(tree: HeaderReader, node: HeaderNode) -> int:
    return node.height - find_common_ancestor(node, tree.tip).height
