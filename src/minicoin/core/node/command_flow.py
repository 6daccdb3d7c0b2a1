"""Commands from outside: each is checked, handed to its owner, and answered exactly once: now, or with its result.

1. *Nobody waits for what cannot come.* Where the chain stands still until a restart, whatever needs the worker is
   refused at once with the reason; when the node stops, so is whoever still waits, but for what waits for the disk.
2. *What makes no sense where members sign the blocks is refused there*: all that is for miners.
3. *A mistake of the caller is an answer, never a fault of the node*: an owner raises MisuseError or DecodeError in the
   middle of its work, and it is answered here.
4. *Who submits a block is answered with its verdict*, and all who submit the same one with the same.
5. *Who marks a block, or asks for the chain, is answered when chain and mempool stand where they should by then.*
6. *So many wait*, and one more is refused: whoever calls often must not fill the node.

What a command means is its owner's; common_commands has those of every role.
"""

from dataclasses import dataclass
from typing import assert_never

from minicoin.core import commands
from minicoin.core.admission.flow import AdmissionFlow
from minicoin.core.answers import MEMBERS_SIGN, NO_MEMBERS, WALLET_IS_OFF, Aborted, BlockVerdict, Done, Reason
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.configuration.flow import ConfigurationFlow
from minicoin.core.consensus.flow import Consensus
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.events import CommandReceived
from minicoin.core.evidence.flow import EvidenceFlow
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.inventory.tx_flow import TxFlow
from minicoin.core.limits import COMMANDS_WAITING_MAX
from minicoin.core.members.proposing import MemberChanges
from minicoin.core.members.recovering import Recovering
from minicoin.core.mempool.pool_flow import PoolFlow
from minicoin.core.mining.miner import Miner
from minicoin.core.netsync.chain_flow import ChainFlow
from minicoin.core.netsync.final_watch import FinalWatch
from minicoin.core.netsync.tip_watch import TipWatch
from minicoin.core.node.common_commands import STOPPING, CommonCommands
from minicoin.core.node.parts import Parts
from minicoin.core.node.peer_flow import PeerFlow
from minicoin.core.node.peer_id_commands import PeerIdCommands
from minicoin.core.node.trial_flow import TrialFlow
from minicoin.core.payments.keeper import WalletKeeper
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, BlockSummary, InvalidBlock
from minicoin.core.records.flow import RecordFlow
from minicoin.core.units import Micros, RequestId

_NEEDS_WORKER = (
    commands.SubmitBlock,
    commands.InvalidateBlock,
    commands.PreferBlock,
    commands.ReconsiderBlock,
    commands.SubmitTransaction,
    commands.SubmitPackage,
    commands.SubmitHeader,
    commands.WaitForTip,
    commands.WaitForFinal,
    commands.WaitForChain,
    commands.Generate,
    commands.GenerateBlock,
    commands.SetMining,
    commands.Pay,
    commands.RescanWallet,
)

_FOR_MINERS = (
    commands.SubmitBlock,
    commands.SubmitHeader,
    commands.PreferBlock,
    commands.Generate,
    commands.GenerateBlock,
    commands.AwaitTemplate,
    commands.SetMining,
)
"""What makes no sense where members sign the blocks."""


@dataclass(slots=True)
class _Submitted:
    """A block from outside on its way."""

    requests: list[RequestId]


class CommandFlow:
    """The commands' way in."""

    def __init__(
        self,
        parts: Parts,
        chain: ChainFlow,
        transactions: TxFlow,
        mining: Miner,
        wallet: WalletKeeper,
        peers: PeerFlow,
        pool: PoolFlow,
        tip_watch: TipWatch,
        final_watch: FinalWatch | None,
        peer_ids: PeerIdCommands,
        records: RecordFlow | None,
        admission: AdmissionFlow | None,
        evidence: EvidenceFlow | None,
        member_changes: MemberChanges | None,
        consensus: Consensus | None,
        configuration: ConfigurationFlow | None,
        recovering: Recovering | None,
    ) -> None:
        self._parts = parts
        self._chain = chain
        self._transactions = transactions
        self._mining = mining
        self._wallet = wallet
        self._peers = peers
        self._pool = pool
        self._common = CommonCommands(parts, peers, records, admission, evidence, configuration)
        self._trial = TrialFlow(parts)
        self._tip_watch = tip_watch
        self._final_watch = final_watch
        self._peer_ids = peer_ids
        self._member_changes = member_changes
        self._consensus = consensus
        self._recovering = recovering
        self._submitted: dict[BlockHash, _Submitted] = {}
        self._settling: list[RequestId] = []
        """Those who are answered when chain and mempool stand where they should: who marked a block, and who just
        asked."""
        self.is_stopping = False
        """Somebody asked the node to stop."""

    def handle(self, event: CommandReceived, now: Micros) -> None:
        """One command."""
        if self._chain.failure and isinstance(event.command, _NEEDS_WORKER):
            # No block can be stored or connected: whoever asks would wait for ever.
            self._parts.refuse(event.request, Reason.STOPPED, self._chain.failure)
            return
        if self._final_watch is not None and isinstance(event.command, _FOR_MINERS):
            self._parts.refuse(event.request, Reason.UNABLE, MEMBERS_SIGN)
            return
        try:
            self._handle(event.request, event.command, now)
        except (MisuseError, DecodeError) as error:
            self._parts.refuse(event.request, Reason.INVALID, str(error))

    def _handle(self, request: RequestId, command: commands.Command, now: Micros) -> None:
        if isinstance(command, commands.NetworkCommand):
            self._common.handle(request, command, now)
        elif isinstance(command, commands.PeerIdCommand):
            self._peers.perform(self._peer_ids.handle(request, command, now), now)
        elif isinstance(command, commands.RecordCommand):
            self._common.of_records(request, command, now)
        elif isinstance(command, commands.AdmissionCommand):
            self._common.of_admission(request, command, now)
        elif isinstance(command, commands.AcknowledgeEvidence):
            self._common.of_evidence(request, command)
        elif isinstance(command, commands.SettingsCommand):
            self._common.of_settings(request, command, now)
        elif isinstance(command, commands.MembersCommand):
            if self._member_changes is None:
                raise MisuseError(NO_MEMBERS)
            self._member_changes.handle(request, command, now)
        elif isinstance(command, commands.HoldSigningKey):
            if self._consensus is None:
                raise MisuseError("this node signs for no member: start it with the key that it is to sign with")
            self._peers.perform(self._consensus.hold(request, command, now), now)
        elif isinstance(command, commands.TakeOver):
            if self._consensus is None:
                raise MisuseError("this node signs for no member: a standby has the member's key")
            self._peers.perform(self._consensus.take_over(request, command, now), now)
        elif isinstance(command, commands.RecoveryCommand):
            if self._recovering is None:
                raise MisuseError(NO_MEMBERS)
            self._recovering.handle(request, command, now)
        elif isinstance(command, commands.ChainCommand):
            self._of_chain(request, command, now)
        elif isinstance(command, commands.PoolCommand):
            self._of_pool(request, command, now)
        elif isinstance(command, commands.MiningCommand):
            self._of_mining(request, command, now)
        elif isinstance(command, commands.WalletCommand):
            self._of_wallet(request, command, now)
        elif isinstance(command, commands.TrialCommand):
            self._trial.handle(request, command, now)
        elif isinstance(command, commands.Stop):
            self.is_stopping = True
            self._parts.reply(request, Done())
            self.on_failure(STOPPING)
            self._peer_ids.on_stop(STOPPING)
            self._wallet.on_stop(STOPPING)
        else:
            assert_never(command)

    def _of_pool(self, request: RequestId, command: commands.PoolCommand, now: Micros) -> None:
        match command:
            case commands.SubmitTransaction(transaction):
                self._transactions.submit(transaction, request, now)
            case commands.SubmitPackage(transactions):
                self._transactions.packages.submit(request, transactions, now)
            case commands.PrioritiseTransaction(txid, delta_sat):
                self._pool.prioritise(request, txid, delta_sat)
            case commands.SaveMempool():
                self._pool.save(request)
            case _:
                assert_never(command)

    def _of_mining(self, request: RequestId, command: commands.MiningCommand, now: Micros) -> None:
        match command:
            case commands.Generate(count, script):
                self._mining.generate(request, count, script, now)
            case commands.AbortGenerate():
                self._parts.reply(request, Aborted(self._mining.abort_generate(now)))
            case commands.AwaitTemplate():
                self._mining.hold(request, command, now)
            case commands.GenerateBlock():
                self._mining.generate_block(request, command, now)
            case commands.SetMining(script):
                self._mining.set_mining(script, now)
                self._parts.reply(request, Done())
            case _:
                assert_never(command)

    # --- chain ---

    def _of_chain(self, request: RequestId, command: commands.ChainCommand, now: Micros) -> None:
        match command:
            case commands.SubmitBlock(block):
                self._submit_block(request, block, now)
            case commands.SubmitHeader(header):
                self._common.submit_header(request, header, self._parts.sync.submit_header, now)
            case commands.WaitForTip():
                self._tip_watch.wait(request, command, now)
            case commands.WaitForFinal():
                self._wait_for_final(request, command, now)
            case commands.WaitForChain():
                self._settle(request)
            case commands.InvalidateBlock(marked):
                self._mark(request, marked, is_valid=False)
            case commands.ReconsiderBlock(marked):
                self._mark(request, marked, is_valid=True)
            case commands.PreferBlock(preferred):
                self._prefer(request, preferred)
            case _:
                assert_never(command)

    def _wait_for_final(self, request: RequestId, command: commands.WaitForFinal, now: Micros) -> None:
        if self._final_watch is None:
            name = self._parts.network.name
            self._parts.refuse(request, Reason.UNABLE, f"no members sign the blocks of {name}: nothing is ever final")
        else:
            self._final_watch.wait(request, command, now)

    def _submit_block(self, request: RequestId, block: RawBlock, now: Micros) -> None:
        node = self._parts.tree.get(block.hash)
        if node is not None and (node.is_stored or node.is_failed):
            self._parts.reply(request, BlockVerdict("duplicate-invalid" if node.is_failed else "duplicate"))
            return
        if len(self._submitted) >= COMMANDS_WAITING_MAX:
            self._parts.refuse(request, Reason.CROWDED, "too many submitted blocks wait")
            return
        try:
            effects = self._parts.sync.submit(block, now)
        except BlockRejected as rejected:
            name = rejected.name
            if rejected.reason is BlockReason.BAD_VERSION:
                name += f"(0x{block.header.version & 0xFFFFFFFF:08x})"
            self._parts.reply(request, BlockVerdict(name))
            return
        self._submitted.setdefault(block.hash, _Submitted([])).requests.append(request)
        self._parts.emit(*effects)

    def _settle(self, request: RequestId) -> None:
        """Answer once everything that came before has been carried out."""
        if not self._is_crowded(request):
            self._settling.append(request)
            self.settle()

    def _prefer(self, request: RequestId, block: BlockHash) -> None:
        if self._parts.tree.get(block) is None:
            self._parts.refuse(request, Reason.UNKNOWN_BLOCK, "Block not found")
        elif not self._is_crowded(request):
            self._chain.prefer(block)
            self._settling.append(request)
            self.settle()

    def _is_crowded(self, request: RequestId) -> bool:
        """Whether too many wait already; then it was refused."""
        if len(self._settling) < COMMANDS_WAITING_MAX:
            return False
        self._parts.refuse(request, Reason.CROWDED, "too many calls wait for the chain to move")
        return True

    def _mark(self, request: RequestId, block: BlockHash, *, is_valid: bool) -> None:
        if self._parts.tree.get(block) is None:
            self._parts.refuse(request, Reason.UNKNOWN_BLOCK, "Block not found")
            return
        signers = self._parts.tree.signers
        if signers is not None and signers.certificate(block) is not None:
            text = f"block {hash_to_hex(block)} is final: members signed it, and nobody can take that back"
            self._parts.refuse(request, Reason.UNABLE, text)
            return
        if self._is_crowded(request):
            return
        if is_valid:
            self._chain.reconsider(block)
        else:
            self._chain.invalidate(block)
        self._settling.append(request)
        self.settle()

    def on_connected(self, connected: list[HeaderNode], summaries: tuple[BlockSummary, ...]) -> None:
        """Blocks joined the best chain."""
        for node in connected:
            self._answer(node.hash, "")
        if self._final_watch is not None:
            self._final_watch.on_connected(summaries)

    def settle(self) -> None:
        """The engine stands where it should: what is stored and not part of the chain will not be any time soon."""
        if not self._chain.is_settled:
            return
        self._answer_settling()
        for block in list(self._submitted):
            node = self._parts.tree.get(block)
            if node is not None and node.is_failed:
                self._answer(block, str(BlockReason.INVALID_PARENT))
            elif node is not None and node.is_stored and not self._parts.tree.is_active(node):
                self._answer(block, "inconclusive")

    def on_verified(self) -> None:
        """A transaction was judged: it may be the last that somebody waits for."""
        if self._settling and self._chain.is_settled:
            self._answer_settling()

    def _answer_settling(self) -> None:
        # The next block that is asked for holds what the reorganisation gave back, as with Bitcoin Core.
        if self._settling and not self._parts.mempool.is_returning:
            settling, self._settling = self._settling, []
            for request in settling:
                self._parts.reply(request, Done())

    def on_refused(self, invalid: InvalidBlock) -> None:
        """A block was refused."""
        self._answer(invalid.hash, invalid.name)

    def on_failure(self, failure: str) -> None:
        """A worker cannot go on, or the node stops: nobody who waits for it will hear otherwise."""
        self._mining.on_failure(failure)
        self._transactions.on_failure(failure)
        self._wallet.on_failure(failure)
        self._tip_watch.end_waits()
        if self._final_watch is not None:
            self._final_watch.end_waits(failure)
        waiting = [request for submitted in self._submitted.values() for request in submitted.requests]
        for request in (*waiting, *self._settling):
            self._parts.refuse(request, Reason.STOPPED, failure)
        self._submitted.clear()
        self._settling.clear()

    def _answer(self, block: BlockHash, refusal: str) -> None:
        submitted = self._submitted.pop(block, None)
        for request in submitted.requests if submitted is not None else ():
            self._parts.reply(request, BlockVerdict(refusal))

    # --- wallet ---

    def _of_wallet(self, request: RequestId, command: commands.WalletCommand, now: Micros) -> None:
        if not self._parts.policy.uses_wallet:
            self._parts.refuse(request, Reason.WALLET_OFF, WALLET_IS_OFF)
            return
        wallet = self._wallet
        match command:
            case commands.CreateWallet():
                wallet.create(request, command, now)
            case commands.NewAddress(label):
                wallet.new_address(request, label)
            case commands.Unlock():
                wallet.unlock(request, command, now)
            case commands.Lock():
                wallet.lock(request)
            case commands.Pay():
                wallet.pay(request, command, now)
            case commands.AbandonTransaction(txid):
                wallet.abandon(request, txid)
            case commands.SignTransaction(transaction, spent):
                if len(spent) != len(transaction.inputs):
                    raise MisuseError(f"{len(spent)} spent outputs for {len(transaction.inputs)} inputs")
                outputs = zip(transaction.inputs, spent, strict=True)
                wallet.sign(request, transaction, {spend.outpoint: out for spend, out in outputs if out is not None})
            case commands.RescanWallet(start_height):
                wallet.rescan(request, start_height)
            case _:
                assert_never(command)
