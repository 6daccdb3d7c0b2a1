"""Which scripts of a block are run, and which need not be.

1. Those of a block are run before it counts as connected; the first that fails condemns the block.
2. A transaction that was verified loose, or in a proposal, under the same flags is not run again: its wtxid commits to
   all that its scripts see. What is in a block is forgotten, so that the memory is for what is still to come.
3. No script of the block that is assumed valid is run, nor of its ancestors: whoever named it vouches for them, and for
   nothing else of them. On another branch, or while its header is not known, all are run.
4. Whoever looks at the stored chain again (verification.py) runs all of them.

What a script engine says to one is the verifier's (verifier.py).
"""

from typing import Final

from minicoin.core.chain.connect import ConnectedBlock
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.known_headers import KnownHeaders
from minicoin.core.chain.verifier import ScriptCheck, ScriptVerifier, VerifiedScripts
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, TxReason


class BlockScripts:
    """Of the blocks of one engine. `verified` is what loose transactions were checked for, `assume_valid` the block
    that is assumed valid, if any."""

    def __init__(
        self,
        verifier: ScriptVerifier,
        verified: VerifiedScripts,
        known: KnownHeaders,
        assume_valid: BlockHash | None,
    ) -> None:
        self._verifier: Final = verifier
        self._verified: Final = verified
        self._known: Final = known
        self._assume_valid: Final = assume_valid

    def run(self, node: HeaderNode, block: Block, connected: ConnectedBlock, rules: RuleSet) -> None:
        """Those of a block that becomes part of the chain, at `node`. Raises BlockRejected."""
        if self._is_assumed_valid(node):
            return
        self.try_out(block, connected, rules)
        if self._verified:
            for transaction in block.transactions:
                self._verified.discard(transaction.wtxid, rules.script_flags)

    def try_out(self, block: Block, connected: ConnectedBlock, rules: RuleSet) -> None:
        """The same of a block that is only looked at: nothing is forgotten. Raises BlockRejected."""
        flags, verified = rules.script_flags, self._verified
        self._check(
            [
                ScriptCheck(transaction, spent, flags)
                for transaction, spent in zip(block.transactions[1:], connected.spent, strict=True)
                if not verified or (transaction.wtxid, flags) not in verified
            ]
        )

    def run_all(self, block: Block, connected: ConnectedBlock, rules: RuleSet) -> None:
        """Whatever was verified or assumed before. Raises BlockRejected."""
        pairs = zip(block.transactions[1:], connected.spent, strict=True)
        self._check([ScriptCheck(transaction, spent, rules.script_flags) for transaction, spent in pairs])

    def remember(self, block: Block, rules: RuleSet) -> None:
        """The block's scripts succeeded, and it may come again."""
        for transaction in block.transactions[1:]:
            self._verified.add(transaction.wtxid, rules.script_flags)

    def _is_assumed_valid(self, node: HeaderNode) -> bool:
        assumed = self._known.get(self._assume_valid) if self._assume_valid is not None else None
        return assumed is not None and node.is_ancestor_of(assumed)

    def _check(self, checks: list[ScriptCheck]) -> None:
        failure = self._verifier.first_failure(checks)
        if failure is not None:
            detail = f"input {failure.input} of {hash_to_hex(checks[failure.check].transaction.txid)}"
            raise BlockRejected(BlockReason.SCRIPT_FAILED, detail, TxReason.SCRIPT_FAILED)
