"""What a node is composed of: its flows by name, for what only one of them hears, and all its parts in their order.

The order in which parts are told of peers and of time is written here and nowhere else. Peers come first, since they
tell of themselves; addresses before netsync, so that a peer is asked whom it knows before it is asked for the chain;
relay before transactions, which announces by it; the overlay when all others know of a change, and records behind it,
since models write some, and evidence becomes some; admission and configuration behind records, so that whoever is cut
off has been told why; connections last, when it is said who is wanted and who was left.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from minicoin.core.addrmgr.book_flow import BookFlow
from minicoin.core.admission.flow import AdmissionFlow
from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.configuration.chain_settings import ChainSettings, settings_standing_of
from minicoin.core.configuration.flow import ConfigurationFlow
from minicoin.core.configuration.founders import FounderSettings
from minicoin.core.configuration.settable import Settable
from minicoin.core.connmgr.dial_flow import DialFlow
from minicoin.core.consensus.flow import Consensus
from minicoin.core.directed.delivery import Addressee, Directed
from minicoin.core.discovery.address_flow import AddressFlow
from minicoin.core.drafts.changes import MEMBER_CHANGES, SETTINGS_CHANGES, Drafts
from minicoin.core.events import StatementSigned
from minicoin.core.evidence.flow import EvidenceFlow
from minicoin.core.inventory.inventory_flow import InventoryFlow
from minicoin.core.inventory.tx_flow import TxFlow
from minicoin.core.members.proposing import MemberChanges, standing_of
from minicoin.core.members.recovering import Recovering
from minicoin.core.members.recovery_drafts import RecoveryDrafts
from minicoin.core.mempool.pool_flow import PoolFlow
from minicoin.core.mining.miner import Miner
from minicoin.core.netsync.chain_flow import ChainFlow
from minicoin.core.netsync.final_watch import FinalWatch
from minicoin.core.netsync.serving import Serving
from minicoin.core.netsync.tip_watch import TipWatch
from minicoin.core.node.command_flow import CommandFlow
from minicoin.core.node.overlay_flow import OverlayFlow
from minicoin.core.node.parts import CommonParts, Parts
from minicoin.core.node.peer_flow import PeerFlow
from minicoin.core.node.peer_id_commands import PeerIdCommands, make_directed
from minicoin.core.node.settable_parts import settables_of
from minicoin.core.node.signing_flow import SigningRecord, make_signer
from minicoin.core.overlay.contract import Overlay
from minicoin.core.params.rules import SignersKind
from minicoin.core.part import MakePart, Part, Router, Surroundings, extensions_of, make_router
from minicoin.core.payments.keeper import WalletKeeper
from minicoin.core.peer.session import SessionPolicy
from minicoin.core.records.flow import RecordFlow
from minicoin.core.relay.relay_flow import RelayFlow
from minicoin.core.signers.statements import StatementKind
from minicoin.core.units import Micros
from minicoin.core.wallet.wallet import Wallet


class StatementTaker(Protocol):
    """Who has statements signed."""

    def on_signed(self, event: StatementSigned, now: Micros) -> None: ...


@dataclass(frozen=True, slots=True)
class Flows:
    """Made by make_flows, held by node."""

    parts: tuple[Part, ...]
    router: Router
    overlay: OverlayFlow
    chain: ChainFlow
    peers: PeerFlow
    addresses: AddressFlow
    relay: RelayFlow
    transactions: TxFlow
    pool: PoolFlow
    inventory: InventoryFlow
    book: BookFlow
    mining: Miner
    wallet: WalletKeeper
    tip_watch: TipWatch
    directed: Directed | None
    records: RecordFlow | None
    admission: AdmissionFlow | None
    evidence: EvidenceFlow | None
    """Where members sign."""
    consensus: Consensus | None
    """Where it signs for a member."""
    member_changes: MemberChanges | None
    """Where members sign."""
    configuration: ConfigurationFlow | None
    """The same."""
    founder_settings: FounderSettings | None
    """Where founders sign settings, and nobody blocks."""
    recovering: Recovering | None
    """Where members sign."""
    commands: CommandFlow

    def statement_taker(self, kind: StatementKind) -> StatementTaker | None:
        """Who asked for the signature under a statement of this kind."""
        match kind:
            case StatementKind.ADMISSION:
                return self.admission
            case StatementKind.MEMBER_CHANGE:
                return self.member_changes
            case StatementKind.SETTINGS_CHANGE | StatementKind.CONFIGURATION:
                return self.configuration
            case StatementKind.RECOVERY:
                return self.recovering


def make_flows(
    shared: Parts,
    model: Overlay,
    session: SessionPolicy,
    wallet: Wallet | None,
    entropy: Callable[[int], bytes],
    now: Micros,
    more: Iterable[MakePart] = (),
    addressee: Addressee | None = None,
    signing: SigningRecord | None = None,
) -> Flows:
    """All of them, and behind them the parts that `more` makes. Letters are for an addressee."""
    overlay = OverlayFlow(shared, model)
    serving = Serving(shared.sync)
    chain = ChainFlow(shared.tree, shared.sync, shared)
    addresses = AddressFlow(shared, overlay.consider)
    relay = RelayFlow(shared.relay, shared.mempool, shared.sync.is_initial)
    transactions = TxFlow(shared, overlay, serving)
    keeper = WalletKeeper(shared, transactions, wallet, entropy)
    pool = PoolFlow(
        shared.mempool,
        shared,
        transactions,
        keeper.on_expired,
        shared.book.group,
        persists=shared.policy.persists_mempool,
    )
    inventory = InventoryFlow(shared, overlay, transactions, serving)
    book = BookFlow(shared.book, shared.policy.book_save_after_us, now)
    mining = Miner(shared, now)
    evidence = make_evidence_flow(shared)
    consensus = make_signer(
        shared, shared.own_keys, signing or SigningRecord(), overlay, mining, shared.admission, evidence
    )
    tip_watch = TipWatch(shared.tree, shared)
    final_watch = _make_final_watch(shared)
    directed = make_directed(shared, addressee, overlay, now)
    records = make_record_flow(shared, now)
    keep_links = (lambda now: None) if consensus is None else consensus.keep_links
    admission = make_admission_flow(shared, evidence, keep_links)
    member_changes = _make_member_changes(shared, records, consensus)
    chain_settings = _make_chain_settings(shared, records)
    configuration = make_configuration_flow(shared, settables_of(shared, consensus), evidence, chain_settings)
    founder_settings = make_founder_settings(shared, settables_of(shared, consensus))
    if member_changes is not None and chain_settings is not None:
        mining.carry(lambda now: CoinbaseTags(None, member_changes.ready(now), chain_settings.ready()))
    recovering = _make_recovering(shared, records, consensus)
    listeners: tuple[Part, ...] = (
        addresses,
        shared.sync,
        relay,
        transactions,
        pool,
        inventory,
        shared.bootstrap,
        shared.gossip,
        book,
        mining,
        keeper,
        tip_watch,
        *(() if final_watch is None else (final_watch,)),
        *(() if consensus is None else (consensus,)),
        *_make_more(shared, more),
        *(() if directed is None else (directed,)),
        overlay,
        *([] if evidence is None else [evidence]),
        *([] if records is None else [records]),
        *([] if admission is None else [admission]),
        *([] if configuration is None else [configuration]),
        *([] if founder_settings is None else [founder_settings]),
        DialFlow(shared.connections, shared.book),
    )
    router = make_router(listeners)
    session = replace(session, extensions=extensions_of(router, shared.network))
    peers = PeerFlow(shared, addresses, session, listeners, router)
    return Flows(
        parts=(peers, *listeners),
        router=router,
        overlay=overlay,
        chain=chain,
        peers=peers,
        addresses=addresses,
        relay=relay,
        transactions=transactions,
        pool=pool,
        inventory=inventory,
        book=book,
        mining=mining,
        wallet=keeper,
        tip_watch=tip_watch,
        directed=directed,
        records=records,
        admission=admission,
        evidence=evidence,
        consensus=consensus,
        member_changes=member_changes,
        configuration=configuration,
        founder_settings=founder_settings,
        recovering=recovering,
        commands=CommandFlow(
            shared,
            chain,
            transactions,
            mining,
            keeper,
            peers,
            pool,
            tip_watch,
            final_watch,
            PeerIdCommands(shared, overlay, directed),
            records,
            admission,
            evidence,
            member_changes,
            consensus,
            configuration,
            recovering,
        ),
    )


def make_record_flow(shared: CommonParts, now: Micros) -> RecordFlow | None:
    """Where nodes have messages of their own."""
    if shared.records is None:
        return None
    return RecordFlow(shared.records, shared.rng.stream("records"), shared.book.group, shared, now)


def _make_member_changes(
    shared: Parts, records: RecordFlow | None, consensus: Consensus | None
) -> MemberChanges | None:
    """Where members sign."""
    if shared.tree.signers is None or shared.records is None or records is None:
        return None
    return MemberChanges(
        Drafts(MEMBER_CHANGES, shared.records, shared.network.network_id),
        records,
        partial(standing_of, shared.tree),
        # Whoever signs for nobody is asked nothing that depends on it.
        (lambda member, now: False) if consensus is None else consensus.is_heard,
        shared.own_keys,
        shared,
    )


def _make_chain_settings(shared: Parts, records: RecordFlow | None) -> ChainSettings | None:
    """Where members sign."""
    if shared.tree.signers is None or shared.records is None or records is None:
        return None
    return ChainSettings(
        Drafts(SETTINGS_CHANGES, shared.records, shared.network.network_id),
        records,
        partial(settings_standing_of, shared.tree),
        shared.own_keys,
        shared,
    )


def _make_recovering(shared: Parts, records: RecordFlow | None, consensus: Consensus | None) -> Recovering | None:
    """Where members sign."""
    if shared.tree.signers is None or shared.records is None or records is None:
        return None
    return Recovering(
        RecoveryDrafts(shared.records, shared.network.network_id),
        records,
        shared.tree,
        (lambda member, now: False) if consensus is None else consensus.is_heard,
        consensus,
        shared,
    )


def _make_final_watch(shared: Parts) -> FinalWatch | None:
    """Where blocks are final."""
    if shared.tree.signers is None:
        return None
    return FinalWatch(shared.tree, lambda txid: shared.mempool.get(txid) is not None, shared)


def make_evidence_flow(shared: CommonParts) -> EvidenceFlow | None:
    """Where members sign. In front of records, which pass on what it found in the same event."""
    if shared.records is None or shared.evidence is None or shared.tree.signers is None:
        return None
    return EvidenceFlow(shared.evidence, shared.records, shared.tree.signers, shared)


def make_admission_flow(
    shared: CommonParts, evidence: EvidenceFlow | None, on_changed: Callable[[Micros], None]
) -> AdmissionFlow | None:
    """Where not anybody may connect. Behind that of records, which it listens to."""
    if shared.records is None or shared.admission is None or evidence is None:
        return None
    return AdmissionFlow(
        shared.admission,
        shared.records,
        shared.connections,
        shared,
        shared.members_at,
        lambda: shared.tree.tip.height,
        evidence.accuse,
        own_keys=shared.own_keys,
        own_peer_id=shared.policy.peer_id,
        on_changed=on_changed,
    )


def make_configuration_flow(
    shared: CommonParts,
    settables: Sequence[Settable],
    evidence: EvidenceFlow | None,
    chain: ChainSettings | None = None,
) -> ConfigurationFlow | None:
    """Where members sign. Behind the flow of records, which it listens to; without `chain` no blocks are kept."""
    kind = shared.network.proof
    if shared.records is None or shared.configuration is None or evidence is None:
        return None
    assert isinstance(kind, SignersKind)
    return ConfigurationFlow(
        shared.configuration,
        shared.records,
        shared,
        shared.members_at,
        lambda: shared.tree.tip.height,
        chain,
        evidence.accuse,
        own_keys=shared.own_keys,
        settables=settables,
        chosen=shared.policy.chosen,
        min_interval_s=kind.min_interval_s,
    )


def make_founder_settings(shared: CommonParts, settables: Sequence[Settable]) -> FounderSettings | None:
    """Where founders sign settings, and no members do."""
    if shared.records is None or not shared.network.founders or shared.configuration is not None:
        return None
    return FounderSettings(shared.records, settables, shared.policy.chosen)


def _make_more(shared: Parts, more: Iterable[MakePart]) -> Iterable[Part]:
    for number, make in enumerate(more):
        # A stream of its own: what it draws moves nobody else's dice.
        yield make(Surroundings(shared.network, shared.rng.stream(f"part {number}"), shared.peer_views))
