"""Whether what is final stays: one certified block at a height, whoever holds it, and no node ever without it again;
and whether it goes on: once all has healed, and where a quorum of honest members signs, blocks come and no payment
waits. Where liars and those that lost their records leave no quorum, the chain halts, as it should."""

from collections.abc import Callable, Iterator
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US
from minicoin.sim.check.view import Finding, View

# Some rounds whose proposers lie, each with a longer time-out than the one before.
_ROUNDS_US: Final = 40 * SECOND_US


class FinalBlocks:
    """Sees every block that an honest node's tip stands on, each node's from where it was looked at last."""

    name = "finality"

    def __init__(self, healed_at: Callable[[], int]) -> None:
        self._healed_at = healed_at
        self._certified: dict[int, tuple[BlockHash, int]] = {}
        """Height -> the block, and the first node that was seen on it."""
        self._tips: dict[int, HeaderNode] = {}

    def look(self, view: View) -> Iterator[Finding]:
        for host, node in view.running():
            signers, tip = node.view.tree.signers, node.view.tree.tip
            if signers is None:
                return
            before = self._tips.get(host.index)
            if signers.second_certificate is not None:
                height = signers.second_certificate.kept.height
                yield Finding((host.index,), f"{host.name} was shown a second certificate at height {height}")
            if before is not None and tip.height >= before.height and tip.ancestor(before.height).hash != before.hash:
                yield Finding((host.index,), f"{host.name} left the final block at height {before.height}")
            yield from self._new_ones(host.index, tip, 0 if before is None else before.height)
            self._tips[host.index] = tip

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)
        if not _has_quorum(view):
            return
        yield from self._halted(view)
        for host, node in view.running():
            if waiting := len(node.view.mempool):
                yield Finding((host.index,), f"{waiting} payments wait at {host.name}, and no block takes them")

    def _halted(self, view: View) -> Iterator[Finding]:
        proof = view.world.network.proof
        assert isinstance(proof, SignersKind)
        tips = {host.index: node.view.tree.tip.header.time for host, node in view.running()}
        since = max(max(tips.values()) * SECOND_US, self._healed_at())
        if view.world.now > since + proof.empty_after_s * SECOND_US + _ROUNDS_US:
            yield Finding(tuple(tips), f"no block for {(view.world.now - since) // SECOND_US} s, and a quorum signs")

    def _new_ones(self, index: int, tip: HeaderNode, above: int) -> Iterator[Finding]:
        node: HeaderNode | None = tip
        while node is not None and node.height > above:
            block, other = self._certified.setdefault(node.height, (node.hash, index))
            if block != node.hash:
                text = f"two blocks are final at height {node.height}: {_short(block)} and {_short(node.hash)}"
                yield Finding((other, index), text)
            node = node.parent


def _has_quorum(view: View) -> bool:
    """Whether so many members that do not lie are there and sign as a block takes."""
    found = [status for host, node in view.running() if host.says is None and (status := node.view.consensus())]
    signing = [status for status in found if not status.abstains_because]
    return bool(signing) and len(signing) >= signing[0].members.quorum


def _short(block: BlockHash) -> str:
    return hash_to_hex(block)[:16]
