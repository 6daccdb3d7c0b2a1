"""A package from outside: a transaction and some of its unconfirmed parents, offered one by one and then together.

1. Members enter alone where they can, in their order: none pays for another that needs no help.
2. A parent that is good but for its fee waits for its child; the mempool judges the two together (mempool.packages).
3. A parent that is refused for another reason ends it: the child could not be valid.
4. Whoever asked hears what became of each member, once, and not before the wallet has on disk what is its own. Should
   the chain move meanwhile, the package starts anew, for what was said of its members is out of date; a few times at
   most.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from minicoin.core.answers import NOT_VALIDATED, MemberResult, PackageResult, Reason
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.limits import COMMANDS_WAITING_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import Accepted, Again, MempoolOutcome, Orphaned, Rejected
from minicoin.core.mempool.packages import RECONSIDERABLE
from minicoin.core.mempool.pool import Mempool
from minicoin.core.part import Outbox
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.units import Micros, RequestId

_STARTS_MAX = 3


@dataclass(slots=True)
class _Package:
    request: RequestId
    transactions: tuple[Transaction, ...]
    tip: BlockHash
    starts: int = 1
    results: dict[Wtxid, MemberResult] = field(default_factory=dict)
    replaced: dict[Txid, None] = field(default_factory=dict)

    @property
    def current(self) -> Transaction | None:
        """The member whose fate is open."""
        return next((one for one in self.transactions if one.wtxid not in self.results), None)


class OfferNode(Outbox, Protocol):
    """What the packages need of the node around the mempool."""

    @property
    def tree(self) -> HeaderReader: ...
    @property
    def mempool(self) -> Mempool: ...


class PackageOffers:
    """The packages under way."""

    def __init__(self, node: OfferNode, is_withheld: Callable[[Txid], bool]) -> None:
        self._node = node
        self._is_withheld = is_withheld
        self._packages: list[_Package] = []

    def submit(self, request: RequestId, transactions: tuple[Transaction, ...], now: Micros) -> None:
        """Offer a package; the reply follows. The caller has seen that it is a child behind its parents."""
        if len(self._packages) >= COMMANDS_WAITING_MAX:
            self._node.refuse(request, Reason.CROWDED, "too many packages wait for verification")
            return
        package = _Package(request, transactions, self._node.tree.tip.hash)
        self._packages.append(package)
        self._advance(package, now)

    def on_outcome(self, outcome: MempoolOutcome, now: Micros) -> None:
        """The mempool decided about a transaction that may be a member."""
        if not self._packages or isinstance(outcome, Again):
            return
        decided = outcome.entry.transaction if isinstance(outcome, Accepted) else outcome.transaction
        for package in list(self._packages):
            current = package.current
            if current is not None and current.txid == decided.txid:
                self._record(package, outcome, current)
                self._advance(package, now)

    def on_failure(self, failure: str) -> None:
        """No verdict will come any more."""
        packages, self._packages = self._packages, []
        for package in packages:
            self._node.refuse(package.request, Reason.STOPPED, failure)

    def _advance(self, package: _Package, now: Micros) -> None:
        while (current := package.current) is not None:
            entry = self._node.mempool.get(current.txid)
            if entry is not None:
                package.results[current.wtxid] = _standing(entry, current)
                continue
            try:
                self._node.emit(*self._node.mempool.submit(current, None, now))
                return
            except TxRejected as rejected:
                self._refuse(package, current, rejected.reason, str(rejected))
        self._answer(package)

    def on_withdrawn(self, transaction: Transaction, why: str) -> None:
        """The disk refused what the mempool had taken."""
        for package in self._packages:
            if transaction.wtxid in package.results:
                package.results[transaction.wtxid] = MemberResult(transaction, why)

    def on_told(self) -> None:
        """Something that was withheld is not any more."""
        for package in list(self._packages):
            if package.current is None:
                self._answer(package)

    def _answer(self, package: _Package) -> None:
        if any(self._is_withheld(one.txid) for one in package.transactions):
            return
        self._packages.remove(package)
        members = tuple(package.results[one.wtxid] for one in package.transactions)
        self._node.reply(package.request, PackageResult(members, tuple(package.replaced)))

    def _record(self, package: _Package, outcome: Accepted | Rejected | Orphaned, current: Transaction) -> None:
        match outcome:
            case Accepted():
                package.replaced.update((entry.txid, None) for entry in outcome.replaced)
                entries = [one.entry for one in outcome.in_order()]
                for entry in entries:
                    package.results[entry.wtxid] = _entered(entry, entries)
            case Rejected(_, reason, detail):
                self._refuse(package, current, reason, f"{reason}{', ' + detail if detail else ''}")
            case Orphaned():
                self._refuse(package, current, TxReason.MISSING_OR_SPENT, str(TxReason.MISSING_OR_SPENT))

    def _refuse(self, package: _Package, current: Transaction, reason: TxReason, error: str) -> None:
        tip = self._node.tree.tip.hash
        if package.tip != tip and package.starts < _STARTS_MAX:
            package.tip = tip
            package.starts += 1
            package.results.clear()
            return
        package.results[current.wtxid] = MemberResult(current, error)
        if reason not in RECONSIDERABLE:
            for rest in package.transactions:
                package.results.setdefault(rest.wtxid, MemberResult(rest, NOT_VALIDATED))


def _standing(entry: Entry, member: Transaction) -> MemberResult:
    other = None if entry.wtxid == member.wtxid else entry.wtxid
    return MemberResult(member, other=other, fee_sat=entry.fee_sat, vsize=entry.vsize)


def _entered(entry: Entry, entries: list[Entry]) -> MemberResult:
    return MemberResult(
        entry.transaction,
        fee_sat=entry.fee_sat,
        vsize=entry.vsize,
        paid_sat=sum(one.fee_sat for one in entries),
        paid_vsize=sum(one.vsize for one in entries),
        paid_with=tuple(one.wtxid for one in entries),
    )
