"""Recoveries of a halted network on their way: drafted at one bank, signed at others, put together at any of them.

1. *First a look.* Without `signs` a command says what would be signed and what speaks against it, and does nothing.
2. Who signs signs no more block as a member of the list at hand, for good (core/consensus/sign_state): so a quorum of
   members that were heard a moment ago is a reason to refuse, unless forced.
3. A statement goes to all nodes as a record, and into a file: the others may not be connected. What is too long for a
   record travels by file alone.
4. A recovery that enough have signed changes nothing by itself. Each operator names it and starts the node anew.
"""

from collections.abc import Iterable
from typing import Final, Protocol, assert_never

from minicoin.core.answers import Reason, RecoveryDrafted
from minicoin.core.chain.certified import LeftBranch
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.commands import ProposeRecovery, RecoveryCommand, SignRecovery
from minicoin.core.effects import Effect
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_WAITING_MAX
from minicoin.core.members.judgement import key_problem
from minicoin.core.members.proposing import IsHeard, changed_members, standing_of
from minicoin.core.members.recovery_drafts import (
    RecoveryDraft,
    RecoveryDrafts,
    RecoveryStanding,
    check,
    recovery_standing,
)
from minicoin.core.notices import RecoveryContradicted, RecoveryNamed, RecoverySigned, RecoveryUnnamed
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.part import Outbox
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.records.flow import RecordFlow
from minicoin.core.records.kinds import RECOVERY
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import Prevotes, Recovery, SignerLock
from minicoin.core.units import Micros, RequestId

_KEY_CHARACTERS: Final = 32


class RecoverySigner(Protocol):
    """The part that signs for this node's member."""

    def sign_recovery(self, recovery: Recovery, now: Micros) -> Iterable[Effect]:
        """Promise it, on disk, and sign; a StatementSigned follows. Raises MisuseError where that must not be."""

    def lock_behind(self, height: int) -> tuple[SignerLock | None, Prevotes]:
        """What the key is locked on at the height behind this one, and why."""

    def block_at_hand(self, block: BlockHash) -> RawBlock | None:
        """One that was proposed."""


class Recovering:
    """Of one node of a network of signers."""

    def __init__(
        self,
        drafts: RecoveryDrafts,
        records: RecordFlow,
        tree: HeaderReader,
        is_heard: IsHeard,
        signer: RecoverySigner | None,
        outbox: Outbox,
    ) -> None:
        """`signer` where this node signs for a member."""
        self._drafts: Final = drafts
        self._records: Final = records
        self._tree: Final = tree
        self._is_heard: Final = is_heard
        self._signer: Final = signer
        self._outbox: Final = outbox
        self._waiting: dict[bytes, list[tuple[RequestId, tuple[str, ...], tuple[RecoveryFile, ...]]]] = {}
        """Who asked for a signature, by what is signed."""
        assert tree.signers is not None
        tree.signers.watch_ways(self._on_way)

    # --- reading ---

    def standing(self) -> RecoveryStanding:
        """What a recovery of this moment is about. Raises MisuseError."""
        return recovery_standing(self._tree)

    def open(self) -> tuple[RecoveryDraft, ...]:
        """Those of this moment, with the signatures that the records have. Raises MisuseError."""
        return self._drafts.open(self.standing())

    def combined(self, files: Iterable[RecoveryFile]) -> RecoveryFile:
        """One that enough have signed, of these and what the records have. Raises MisuseError."""
        return self._drafts.complete(self.standing(), files, self._block_of)

    # --- the node's life ---

    def start(self) -> None:
        """Those that are named are told of once a start: the log says by whom the chain goes on."""
        certified = self._tree.signers
        assert certified is not None
        for one in certified.recoveries.named:
            self._outbox.emit(RecoveryNamed(one.hash, one.height, one.block, one.members.keys, one.signers()))

    def _on_way(self, found: Recovery | LeftBranch) -> None:
        """Others go another way than the configuration names."""
        if isinstance(found, Recovery):
            self._outbox.emit(RecoveryUnnamed(found.hash, found.height))
            return
        left = found.certificate
        self._outbox.emit(RecoveryContradicted(found.recovery.hash, left.height, left.block, left.encode()))

    # --- commands ---

    def handle(self, request: RequestId, command: RecoveryCommand, now: Micros) -> None:
        """Raises MisuseError that says why it is not signed."""
        at = self.standing()
        files: tuple[RecoveryFile, ...] = ()
        match command:
            case ProposeRecovery(added, removed, signs, forced):
                bare = self._propose(at, added, removed)
            case SignRecovery(file, signs, forced):
                check(file.recovery, at, self._tree.network.network_id)
                bare, files = file.recovery, (file,)
            case _:
                assert_never(command)
        if (problem := key_problem(bare.members, bare.names, at.members)) is not None:
            raise MisuseError(problem)
        told = self._warnings(at, bare, now)
        if not signs:
            self._outbox.reply(request, self._drafted(at, bare, files, told))
            return
        heard = [key for key in at.members.keys if self._is_heard(key, now)]
        if len(heard) >= at.members.quorum and not forced:
            raise MisuseError(
                f"{len(heard)} of {len(at.members)} members were heard in the last minute, a quorum: the network is "
                "not halted, and whoever signs a recovery signs no more block for it; force it if you know better"
            )
        self._ask_for_signature(request, bare, told, files, now)

    def _propose(
        self, at: RecoveryStanding, added: tuple[tuple[str, bytes], ...], removed: tuple[str, ...]
    ) -> Recovery:
        rows = sorted(changed_members(standing_of(self._tree), added, removed).items())
        members = member_list(key for key, _ in rows)
        if members == at.members:
            raise MisuseError("it changes nothing: say whom it goes on without, or with whom more")
        return Recovery(at.epoch, at.height, at.block, members, tuple(name for _, name in rows))

    def _ask_for_signature(
        self,
        request: RequestId,
        bare: Recovery,
        told: tuple[str, ...],
        files: tuple[RecoveryFile, ...],
        now: Micros,
    ) -> None:
        if self._signer is None:
            raise MisuseError("this node signs for no member: propose and sign at a node that does")
        if sum(map(len, self._waiting.values())) >= CHANGES_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many statements wait for their signature")
            return
        effects = tuple(self._signer.sign_recovery(bare, now))
        self._waiting.setdefault(bare.subject, []).append((request, told, files))
        self._outbox.emit(*effects)

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The signature is there: publish it, and answer when that is on disk."""
        bare, lock = Recovery.decode_statement(event.body)
        waiting = self._waiting.pop(bare.subject, [])
        if not waiting or self._signer is None:
            return
        if event.signature is None:
            for request, _, _ in waiting:
                self._outbox.refuse(request, Reason.UNABLE, f"it is not signed: {event.reason}")
            return
        _, prevotes = self._signer.lock_behind(bare.height)
        own = bare.stated(event.member, lock, prevotes if lock is not None else (), event.signature)
        self._outbox.emit(RecoverySigned(own.hash, own.height, own.block, own.members.keys))
        unsent: tuple[str, ...] = ()
        try:
            self._records.publish(RECOVERY, own.subject.hex()[:_KEY_CHARACTERS], own.encode(), now)
        except MisuseError as error:
            unsent = (f"it does not go to the other nodes by itself, hand the file on: {error}",)
        at = self.standing()
        mine = RecoveryFile(own, None if lock is None else self._block_of(lock.block))
        for request, told, files in waiting:
            answer = self._drafted(at, bare, (mine, *files), (*told, *unsent), is_signed=True)
            self._records.answer_when_saved(request, answer)
        self._outbox.emit(self._records.save())

    def _drafted(
        self,
        at: RecoveryStanding,
        bare: Recovery,
        files: tuple[RecoveryFile, ...],
        told: tuple[str, ...],
        *,
        is_signed: bool = False,
    ) -> RecoveryDrafted:
        drafts = self._drafts.open(at, [file.recovery for file in files])
        draft = next((one for one in drafts if one.recovery.subject == bare.subject), RecoveryDraft(bare, at.needed))
        recovery = draft.recovery
        blocks = {file.block.hash: file.block for file in files if file.block is not None}
        bound = None if recovery.bound is None else recovery.bound.block
        block = None if bound is None else blocks.get(bound) or self._block_of(bound)
        return RecoveryDrafted(RecoveryFile(recovery, block), at.needed, draft.missing, told, is_signed)

    def _block_of(self, block: BlockHash) -> RawBlock | None:
        return None if self._signer is None else self._signer.block_at_hand(block)

    def _warnings(self, at: RecoveryStanding, bare: Recovery, now: Micros) -> tuple[str, ...]:
        names = dict(zip(at.members.keys, at.names, strict=True))
        told = [
            "whoever signs it signs no more block as a member of the list at hand, whatever comes of it; agree with "
            "the other banks on this one first"
        ]
        present = [names[key] for key in at.members.keys if key not in bare.members and self._is_heard(key, now)]
        if present:
            told.append(f"{', '.join(present)} was heard in the last minute, and would be left out")
        if at.needed >= at.members.quorum:
            told.append(
                f"with {len(at.members)} members it takes {at.needed} of them, as many as sign a block: those can "
                "change the members without it, unless two blocks of a height are certified"
            )
        heard = sum(1 for key in bare.members.keys if self._is_heard(key, now))
        if heard < bare.members.quorum:
            told.append(
                f"of the new list {heard} of {len(bare.members)} members were heard in the last minute, and "
                f"{bare.members.quorum} must sign each block"
            )
        if not bare.members.faults:
            told.append(f"a list of {len(bare.members)} tolerates no member that lies")
        return tuple(told)
