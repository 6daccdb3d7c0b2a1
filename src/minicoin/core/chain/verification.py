"""Checks the stored chain from its tip downwards, a block at a time, as Bitcoin Core's verifychain does.

Level 0: each block reads. 1: it keeps the rules that need no coins. 2: its undo data read. 3: taken back on a view of
the coins it leaves what was before: what it created is there, what it spent is not. 4: connected again on that view,
with every script run, it comes to the same. Nothing is changed. Only levels 3 and 4 need the chain to stand still.
"""

from collections.abc import Generator
from typing import Protocol

from minicoin.core.chain.coins import CoinsCache, CoinsView
from minicoin.core.chain.connect import ConnectedBlock, connect_block
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.parsed_blocks import ChainDamaged, CheckedBlock
from minicoin.core.chain.undo import COIN_HEAD
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import COIN_CHANGES_MAX
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import make_outpoint, outpoint_text
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.script.standard import is_unspendable

_RULES, _UNDO, _TAKEN_BACK, _CONNECTED = 1, 2, 3, 4


class VerifiedChain(Protocol):
    """What a check needs of the engine."""

    @property
    def tip_node(self) -> HeaderNode: ...
    @property
    def coins(self) -> CoinsCache: ...
    def stored_bytes(self, block: BlockHash) -> bytes | None: ...
    def undo_of(self, block: BlockHash) -> list[bytes]:
        """Raises ChainDamaged."""

    def rules_of(self, node: HeaderNode) -> RuleSet: ...
    def run_all_scripts(self, block: Block, connected: ConnectedBlock, rules: RuleSet) -> None:
        """Raises BlockRejected."""


def verify_chain(chain: VerifiedChain, level: int, count: int) -> Generator[None, None, str]:
    """What is wrong with the last `count` blocks (0: all), or nothing. Raises MisuseError where the chain moves, or
    where taking so many blocks back does not fit into memory."""
    tip = node = chain.tip_node
    view = CoinsView(chain.coins)
    taken: list[HeaderNode] = []
    for _ in range(count if 0 < count < tip.height else tip.height):
        try:
            _check_stored(chain, node, level, view)
        except (DecodeError, BlockRejected, ChainDamaged) as problem:
            return f"block {hash_to_hex(node.hash)}: {problem}"
        taken.append(node)
        assert node.parent is not None
        node = node.parent
        yield
        if level >= _TAKEN_BACK:
            _require_still(chain, tip, view)
    while level >= _CONNECTED and taken:
        node = taken.pop()
        try:
            _connect_again(chain, node, view)
        except (BlockRejected, ChainDamaged) as problem:
            return f"block {hash_to_hex(node.hash)}: {problem}"
        yield
        _require_still(chain, tip, view)
    return ""


def _require_still(chain: VerifiedChain, tip: HeaderNode, view: CoinsView) -> None:
    if chain.tip_node is not tip:
        raise MisuseError("the chain moved while it was verified; ask again")
    if view.changes > COIN_CHANGES_MAX:
        raise MisuseError(f"so many blocks change more than {COIN_CHANGES_MAX} coins; verify fewer, or at level 2")


def _check_stored(chain: VerifiedChain, node: HeaderNode, level: int, view: CoinsView) -> None:
    raw = chain.stored_bytes(node.hash)
    if raw is None:
        raise ChainDamaged("it is not stored")
    block = Block.parse(raw)
    if block.hash != node.hash:
        raise ChainDamaged("another block is stored in its place")
    if level >= _RULES:
        CheckedBlock(block, len(raw))
    if level >= _UNDO:
        undo = chain.undo_of(node.hash)
        if level >= _TAKEN_BACK:
            _take_back(block, undo, node.height, view)


def _take_back(block: Block, undo: list[bytes], height: int, view: CoinsView) -> None:
    left = list(undo)
    for transaction in reversed(block.transactions):
        code = height << 1 | transaction.is_coinbase
        for index, (value, script) in enumerate(transaction.outputs):
            outpoint = make_outpoint(transaction.txid, index)
            if not is_unspendable(script) and view.spend(outpoint) != COIN_HEAD.pack(code, value) + script:
                raise ChainDamaged(f"the coin {outpoint_text(outpoint)} it created is not there")
        for spend in () if transaction.is_coinbase else reversed(transaction.inputs):
            if not left or view.get(spend.outpoint) is not None:
                raise ChainDamaged(f"the coin {outpoint_text(spend.outpoint)} it spent is still there")
            view.add(spend.outpoint, left.pop())
    if left:
        raise ChainDamaged("its undo data are another block's")


def _connect_again(chain: VerifiedChain, node: HeaderNode, view: CoinsView) -> None:
    raw, parent = chain.stored_bytes(node.hash), node.parent
    if raw is None or parent is None:
        raise ChainDamaged("it is not stored")
    checked = CheckedBlock(Block.parse(raw), len(raw))
    rules = chain.rules_of(node)
    connected = connect_block(
        checked.block, checked.legacy_sigops, rules, view, lambda height: parent.ancestor(height).median_time_past
    )
    if connected.undo != chain.undo_of(node.hash):
        raise ChainDamaged("it spends other coins than it did")
    chain.run_all_scripts(checked.block, connected, rules)
