"""Who waits for a payment to be final: where members sign the blocks, it is so with the block that holds it.

Each is answered when that block joins the chain, or when his patience ends; one who asks about a payment that is final
already, at once. Blocks come faster than a client asks, so what the last ones held is remembered; of older payments,
and of those that nobody offered, nothing is known here. Bounded; the node's stop ends every wait.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minicoin.core.alarm import Alarm
from minicoin.core.answers import FinalBlock, Finality, Reason
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.commands import WaitForFinal
from minicoin.core.effects import Effect
from minicoin.core.limits import FINAL_PAYMENTS_REMEMBERED_MAX, FINAL_WAITERS_MAX
from minicoin.core.part import Outbox, Part
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Txid
from minicoin.core.primitives.verdicts import BlockSummary
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class _Waiter:
    request: RequestId
    until: Micros


class FinalWatch(Part):
    """The waiting ones by payment, and the payments of the last blocks. `is_waiting` tells whether a payment may still
    enter a block."""

    def __init__(self, tree: HeaderTree, is_waiting: Callable[[Txid], bool], outbox: Outbox) -> None:
        self._tree = tree
        self._is_waiting = is_waiting
        self._outbox = outbox
        self._waiters: dict[Txid, list[_Waiter]] = {}
        self._count = 0
        self._recent: dict[Txid, BlockHash] = {}
        self.alarm = Alarm()

    def wait(self, request: RequestId, command: WaitForFinal, now: Micros) -> None:
        """Answer at once where the payment is final, or nobody here knows of it."""
        block = self._recent.get(command.txid)
        if block is not None:
            self._outbox.reply(request, Finality(self._final(block)))
        elif not self._is_waiting(command.txid):
            self._outbox.refuse(request, Reason.UNKNOWN_TRANSACTION, "No such mempool transaction")
        elif command.patience_us <= 0:
            self._outbox.reply(request, Finality(None))
        elif self._count >= FINAL_WAITERS_MAX:
            self._outbox.refuse(request, Reason.CROWDED, f"{FINAL_WAITERS_MAX} calls wait for payments already")
        else:
            until = Micros(now + command.patience_us)
            self._waiters.setdefault(command.txid, []).append(_Waiter(request, until))
            self._count += 1
            self.alarm.by(until)

    def on_connected(self, blocks: Iterable[BlockSummary]) -> None:
        """These joined the chain, lowest first."""
        for summary in blocks:
            for txid in summary.txids:
                self._recent[txid] = summary.hash
                for waiter in self._waiters.pop(txid, ()):
                    self._count -= 1
                    self._outbox.reply(waiter.request, Finality(self._final(summary.hash)))
        while len(self._recent) > FINAL_PAYMENTS_REMEMBERED_MAX:
            del self._recent[next(iter(self._recent))]

    def end_waits(self, failure: str) -> None:
        """There will be no more blocks."""
        for waiter in self._all():
            self._outbox.refuse(waiter.request, Reason.STOPPED, failure)
        self._waiters.clear()
        self._count = 0

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Answer those whose patience has ended."""
        for txid, waiters in list(self._waiters.items()):
            for late in [waiter for waiter in waiters if waiter.until <= now]:
                waiters.remove(late)
                self._count -= 1
                self._outbox.reply(late.request, Finality(None))
            if not waiters:
                del self._waiters[txid]
        return ()

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        return min((waiter.until for waiter in self._all()), default=None)

    def _all(self) -> Iterable[_Waiter]:
        return (waiter for waiters in self._waiters.values() for waiter in waiters)

    def _final(self, block: BlockHash) -> FinalBlock:
        node = self._tree.get(block)
        signers = self._tree.signers
        assert node is not None and signers is not None
        certificate = signers.certificate(block)
        assert certificate is not None
        return FinalBlock(block, node.height, len(certificate.signatures))
