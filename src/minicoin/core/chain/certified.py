"""The certified chain: one certificate a height, and which members sign where. Networks whose blocks members sign only.

1. *A certified block is final.* A quorum of the height's members precommitted to it, and two quorums share an honest
   member: there is one block a height and no branch. A second one that is certified too proves that more members lie
   than the list tolerates; the first is kept, and both certificates are, as evidence.
2. *The list of a height is known before its certificate.* Each certificate signs the hash of the next height's list;
   the list itself comes along where it is another. So headers and certificates alone tell who signs, with nobody to
   trust, and a certificate is checked only once all below it stand. Heights 1 and 2 have the founding list.
3. *First the certificate, then its header.* `certify` judges what a peer or the rounds brought, `take` lets the header
   in that it is for. Nothing else may enter the header tree.
4. *What lists say is what blocks say.* The engine derives them anew from the changes that coinbases carry (`carried`)
   and refuses a certified block whose certificate claims another.
5. *A recovery that the configuration names* (recoveries.py) takes over behind its block: another block there is
   refused, and so are certificates of the list before. One of those for another block than ours is evidence. Who is
   shown one that is not named here goes no further with that peer, and says which it is.

Kept are bytes, some 370 a header with a quorum of four and 570 with seven. They are decoded when asked for. Both
threads have one of these, and share the bytes.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.carried import Carried, StoredChange
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RECOVERIES_PER_HEIGHT_MAX
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, ChainUpdate
from minicoin.core.signers.certificate import Certificate, KeptCertificate, keep
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Recovery, domain_of

HeightOf = Callable[[BlockHash], int | None]
"""Of a block that is known, else None."""


@dataclass(frozen=True, slots=True)
class SecondCertificate:
    """Evidence that more members lie than their list tolerates: both certificates hold, of two blocks of a height."""

    kept: Certificate
    other: Certificate

    @property
    def text(self) -> str:
        """For operators."""
        kept, other = hash_to_hex(self.kept.block), hash_to_hex(self.other.block)
        return (
            f"two blocks are certified at height {self.kept.height}, {kept} and {other}: more members lied than their "
            "list tolerates; the first is kept, and the members have to agree what to do"
        )


@dataclass(frozen=True, slots=True)
class LeftBranch:
    """Evidence that the members before a recovery went on without it: their certificate, of another block than is
    decided here."""

    certificate: Certificate
    recovery: Recovery

    @property
    def text(self) -> str:
        """For operators."""
        return (
            f"the members in front of recovery {self.recovery.hash.hex()} certified block "
            f"{hash_to_hex(self.certificate.block)} at height {self.certificate.height}, which it leaves behind: it "
            "is refused here and kept as evidence; the members have to agree that all name this recovery, or none"
        )


class CertifiedChain:
    """Of one network, the genesis block (which needs no certificate) from the start."""

    def __init__(self, network: Network, founding: SignersKind, height_of: HeightOf) -> None:
        self._network_id: Final = network.network_id
        self._genesis: Final = network.genesis.header.hash
        self._height_of = height_of
        self._kept: list[bytes] = []
        """Of height 1 on."""
        self._starts: list[int] = [1]
        self._lists: list[MemberList] = [founding.founding_list]
        """The member lists, and from which heights on."""
        self._offered: tuple[Certificate, MemberList | None] | None = None
        """Of the height behind the highest kept: its header is still to come."""
        self._second: SecondCertificate | None = None
        self._watcher: Callable[[SecondCertificate], None] = lambda second: None
        self._left: LeftBranch | None = None
        self._unnamed: dict[bytes, Recovery] = {}
        self._way_watcher: Callable[[Recovery | LeftBranch], None] = lambda found: None
        self.recoveries: Final = Recoveries(self._network_id, founding.recoveries)
        self.carried: Final = Carried(founding, self.recoveries)
        """What the connected blocks carried."""

    # --- reading ---

    @property
    def finalized(self) -> int:
        """The height of the highest certified header."""
        return len(self._kept)

    @property
    def second_certificate(self) -> SecondCertificate | None:
        """The first evidence of two certified blocks of a height, where there is any and no recovery took over."""
        last = self.recoveries.at(self.finalized + 1)
        is_left = last is not None and self._second is not None and self._second.kept.height <= last.height
        return None if is_left else self._second

    @property
    def left_branch(self) -> LeftBranch | None:
        """The first evidence that members went on without a recovery that is named here."""
        return self._left

    @property
    def unnamed(self) -> tuple[Recovery, ...]:
        """Recoveries that hold, that peers follow, and that this node's configuration does not name."""
        return tuple(self._unnamed.values())

    def watch_second(self, watcher: Callable[[SecondCertificate], None]) -> None:
        """Be called with each second certificate that is refused for being one."""
        self._watcher = watcher

    def watch_ways(self, watcher: Callable[[Recovery | LeftBranch], None]) -> None:
        """Be called, once for each, with a recovery that peers follow and that is not named here, and with the evidence
        that members went on without one that is."""
        self._way_watcher = watcher

    def note_second(self, one: Certificate, other: Certificate) -> None:
        """Both hold, of two blocks of a height: known from an earlier run, or shown by others."""
        known = self._known_at(one.height)
        kept_other = known is not None and known.block == other.block
        if self.second_certificate is None:
            # The first, or the first behind a recovery that took over from one.
            self._second = SecondCertificate(*((other, one) if kept_other else (one, other)))

    def members_at(self, height: int) -> MemberList:
        """Who signs the block of a height, up to the one behind the highest certified header. Raises MisuseError."""
        if not 1 <= height <= max(self.finalized + 1, 2):
            raise MisuseError(f"who signs height {height} is not known: {self.finalized} headers are certified")
        return self._list_at(height, self.recoveries.at(height))

    def claimed_at(self, height: int) -> MemberList:
        """The same as the certificate in front of it claims, which knows of no recovery behind its block."""
        return self._list_at(height, self.recoveries.at(height - 1))

    def _list_at(self, height: int, recovery: Recovery | None) -> MemberList:
        place = bisect_right(self._starts, height) - 1
        if recovery is not None and self._starts[place] <= recovery.height + 1:
            return recovery.members
        return self._lists[place]

    def lists(self) -> tuple[tuple[int, MemberList], ...]:
        """(the first height, the list), lowest first."""
        return tuple(zip(self._starts, self._lists, strict=True))

    def certificate(self, block: BlockHash) -> Certificate | None:
        """The one that makes this block final; None for the genesis block and where the header is not known."""
        kept = self.kept(block)
        return None if kept is None else kept.certificate

    def kept(self, block: BlockHash) -> KeptCertificate | None:
        """The same as it is kept."""
        height = self._height_of(block)
        return None if height is None or not 1 <= height <= self.finalized else self.kept_at(height)

    def kept_at(self, height: int) -> KeptCertificate:
        """What makes the block of this height final; there must be one."""
        place = bisect_right(self._starts, height + 1) - 1
        changed = self._starts[place] == height + 1
        return KeptCertificate(self._kept[height - 1], self._lists[place].encode() if changed else b"")

    # --- growing ---

    def certify(self, certificate: Certificate, next_members: MemberList | None) -> None:
        """Take a certificate in front of its header; `next_members` where the list of the next height is another. One
        for a block that has one changes nothing. Raises BlockRejected."""
        height = certificate.height
        if not 1 <= height <= self.finalized + 1:
            raise _refused(f"of height {height}, where up to {self.finalized} there are some")
        known = self._known_at(height)
        if known is not None and known.block == certificate.block:
            return
        self._check_recovered(certificate, height)
        members = self.members_at(height)
        problem = certificate.problem(members, self.recoveries.domain(height))
        if problem is not None:
            self._judge_left(certificate, known)
            raise _refused(f"of height {height}: {problem}")
        bound = self.recoveries.bound(height)
        if bound is not None and certificate.block != bound:
            raise _refused(f"of height {height}: the recovery in front of it binds block {hash_to_hex(bound)}")
        if known is not None:
            self.note_second(known, certificate)
            self._watcher(SecondCertificate(known, certificate))
            detail = f"height {height} has {hash_to_hex(known.block)}, and {hash_to_hex(certificate.block)} has one too"
            raise BlockRejected(BlockReason.SECOND_CERTIFICATE, detail, is_permanent=False)
        self._offered = certificate, self._next_list(certificate, members, next_members)

    def _check_recovered(self, certificate: Certificate, height: int) -> None:
        """What the recoveries say to a certificate of this height. Raises BlockRejected."""
        named = self.recoveries.named_block(height)
        if named is not None and certificate.block != named:
            raise _other_way(
                f"block {hash_to_hex(certificate.block)} stands at height {height}, where the recovery that this "
                f"node's configuration names has {hash_to_hex(named)}"
            )
        problem = self.recovery_problem(height - 1)
        if problem is not None:
            raise _other_way(problem)

    def recovery_problem(self, height: int) -> str | None:
        """Why a recovery behind the certified block of this height cannot hold; None where all that are named do."""
        under = self.claimed_at(height + 1)
        for recovery in self.recoveries.behind(height):
            problem = recovery.problem(under, self._network_id)
            if problem is not None:
                return f"recovery {recovery.hash.hex()} of this node's configuration does not hold: {problem}"
            under = recovery.members
        return None

    def _judge_left(self, certificate: Certificate, known: Certificate | None) -> None:
        """Whether a certificate is of the members that a recovery took over from. Raises BlockRejected where it is."""
        height = certificate.height
        under = self.claimed_at(height)
        for recovery in self.recoveries.behind(height - 1):
            if certificate.problem(under, domain_of(self._network_id, recovery.previous)) is None:
                decided = self.recoveries.bound(height) if known is None else known.block
                if decided != certificate.block and self._left is None:
                    self._left = LeftBranch(certificate, recovery)
                    self._way_watcher(self._left)
                raise _other_way(f"of height {height}: it is of the members in front of {recovery.hash.hex()}")
            under = recovery.members

    def check_followed(self, shown: tuple[Recovery, ...], height: int) -> None:
        """Whether the recoveries that a peer shows with the certificate of a height are those that are named here.
        Raises BlockRejected."""
        if not shown or shown[-1].hash == self.recoveries.epoch(height):
            return
        first = shown[0]
        if first.previous != self.recoveries.epoch(height) or not 0 <= first.height < height:
            raise _other_way(f"of height {height}: it follows recovery {shown[-1].hash.hex()}, which is not named here")
        if first.height > self.finalized or first.block != self._block_at(first.height):
            raise _other_way(f"of height {height}: recovery {first.hash.hex()} is of a block that is not known here")
        problem = first.problem(self.claimed_at(first.height + 1), self._network_id)
        if problem is not None:
            raise _refused(f"of height {height}: the recovery {first.hash.hex()} beside it: {problem}")
        if first.hash not in self._unnamed and len(self._unnamed) < RECOVERIES_PER_HEIGHT_MAX:
            self._unnamed[first.hash] = first
            self._way_watcher(first)
        raise _other_way(
            f"of height {height}: it follows recovery {first.hash.hex()} behind block {first.height}, which this "
            "node's configuration does not name"
        )

    def _block_at(self, height: int) -> BlockHash:
        return self._genesis if height == 0 else self.kept_at(height).place[1]

    def require(self, block: BlockHash, height: int) -> None:
        """Raises BlockRejected unless the certificate that came last is this header's."""
        if self._offered is None or self._offered[0].block != block or self._offered[0].height != height:
            raise _refused(f"{hash_to_hex(block)} at height {height} has none")

    def take(self, block: BlockHash, height: int) -> None:
        """The header of the certificate that came last is in the tree. Raises BlockRejected."""
        self.require(block, height)
        assert self._offered is not None
        self._append(keep(*self._offered))
        self._offered = None

    def load(self, kept: KeptCertificate, block: BlockHash, height: int) -> bool:
        """One that was checked before, lowest first; one for a height that has the same block's changes nothing. False
        where a recovery left it behind: it was certified by the members before. Raises MisuseError."""
        if height <= self.finalized and self.kept_at(height).place == (height, block):
            return True
        if self.recoveries.behind(height - 1) and (
            height <= self.finalized
            or kept.certificate.problem(self.members_at(height), self.recoveries.domain(height)) is not None
        ):
            return False
        if kept.place != (height, block) or height != self.finalized + 1:
            raise MisuseError(
                f"no stored certificate for {hash_to_hex(block)} behind {self.finalized} certified headers"
            )
        self._append(kept)
        return True

    def follow(self, update: ChainUpdate) -> None:
        """The engine went that way: the changes of its blocks are known."""
        for left in update.disconnected:
            self.carried.leave(left.summary.hash)
        for block in update.connected:
            for change in block.changes:
                self.carried.append(StoredChange(block.height, block.hash, change))
            self.carried.connected(block.height)

    def forget_above(self, height: int) -> None:
        """The headers above are gone from the tree."""
        del self._kept[height:]
        count = bisect_right(self._starts, height + 1)
        del self._starts[count:], self._lists[count:]
        self._offered = None

    def _append(self, kept: KeptCertificate) -> None:
        self._kept.append(kept.raw)
        members = kept.members
        if members is not None:
            self._starts.append(len(self._kept) + 1)
            self._lists.append(members)

    def _known_at(self, height: int) -> Certificate | None:
        if height <= self.finalized:
            return self.kept_at(height).certificate
        return None if self._offered is None else self._offered[0]

    def _next_list(self, certificate: Certificate, members: MemberList, given: MemberList | None) -> MemberList | None:
        if certificate.next_members == members.hash:
            return None
        if certificate.height == 1:
            raise _refused("of height 1: it names another list than the founding one, which signs height 2")
        if given is None or given.hash != certificate.next_members:
            raise _refused(
                f"of height {certificate.height}: the list that it names for the next one did not come along"
            )
        return given


def make_certified(network: Network, height_of: HeightOf) -> CertifiedChain | None:
    """For networks whose blocks members sign."""
    if not isinstance(network.proof, SignersKind):
        return None
    return CertifiedChain(network, network.proof, height_of)


def _other_way(detail: str) -> BlockRejected:
    """Nobody's fault: operators have named different recoveries, or some have not yet."""
    return BlockRejected(BlockReason.RECOVERY, detail, is_permanent=False)


def _refused(detail: str) -> BlockRejected:
    """What is wrong with a certificate says nothing of its block."""
    return BlockRejected(BlockReason.CERTIFICATE, detail, is_permanent=False)
