"""Builds a node from network, policy, restored state and seed: the one way, for the real and the simulated world."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.admission.state import ADMISSION_KEY, AdmissionState
from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.configuration.form import (
    CONFIGURATION_KEY,
    ConfigurationState,
    new_configuration,
    read_configuration,
)
from minicoin.core.connmgr.bans import BanList
from minicoin.core.connmgr.connections import BANS_KEY, ConnectionManager
from minicoin.core.connmgr.slots import ANYBODY, ConnectionPolicy
from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEYS
from minicoin.core.consensus.shelf import WrittenBlocks
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.directed.delivery import Addressee
from minicoin.core.directed.letterbox import LETTERS_KEY, Letterbox
from minicoin.core.discovery.bootstrap import Bootstrap
from minicoin.core.discovery.gossip import Gossip
from minicoin.core.discovery.policy import DiscoveryPolicy
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.evidence.state import EVIDENCE_KEY, EvidenceState
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.inventory.ledger_view import full_view
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import OUTBOUND_BLOCK_ONLY_SLOTS, OVERLAY_SLOTS_MAX, SIGNERS_RETRY_MAX_US
from minicoin.core.mempool.policy import MempoolPolicy, policy_for
from minicoin.core.mempool.pool import Mempool
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.mempool.priorities import PRIORITIES_KEY, FeeDeltas
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.node.flows import make_flows
from minicoin.core.node.node import Node
from minicoin.core.node.parts import CommonParts, Parts
from minicoin.core.node.signing_flow import SigningRecord
from minicoin.core.overlay.contract import OVERLAY_KEY, LedgerView, MakeOverlay, Overlay, OverlaySetup
from minicoin.core.overlay.table import find_model
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.part import MakePart
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.peer.session import SessionPolicy
from minicoin.core.policy.anchor import Anchor
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import require_role
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.slot_kind import AUTOMATIC, CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.records.document import RECORDS_KEY, decode_records
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.relay.transactions import RelayPolicy, TxRelay
from minicoin.core.rng import Rng
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wallet.wallet import Wallet

T = TypeVar("T")

_OUTBOUND = (*AUTOMATIC, SlotKind.OVERLAY, *CHOSEN_BY_OPERATOR)

DOCUMENT_KEYS = (
    BOOK_KEY,
    BANS_KEY,
    MEMPOOL_KEY,
    PRIORITIES_KEY,
    WALLET_KEY,
    OVERLAY_KEY,
    LETTERS_KEY,
    RECORDS_KEY,
    ADMISSION_KEY,
    EVIDENCE_KEY,
    CONFIGURATION_KEY,
    *SIGN_STATE_KEYS,
    BLOCKS_KEY,
)
"""The documents a node saves and wants back at its next start."""


class DocumentDamaged(DecodeError):
    """A saved document cannot be read; `key` says which."""

    def __init__(self, key: str, error: DecodeError) -> None:
        super().__init__(str(error))
        self.key = key


@dataclass(frozen=True, slots=True)
class NodeState:
    """What an earlier run left behind."""

    headers: Iterable[BlockHeader] = ()
    """Parents first."""
    stored: Iterable[BlockHash] = ()
    tip: BlockHash | None = None
    """Where the engine stands; None for the genesis block."""
    documents: dict[str, bytes] = field(default_factory=dict)
    certificates: Iterable[KeptCertificate] = ()
    """Where members sign: what makes each of the headers final, in the same order."""
    changes: Iterable[StoredChange] = ()
    """Of members and settings: those that blocks carried up to the tip, lowest first."""


def state_of(engine: ChainEngine, documents: dict[str, bytes]) -> NodeState:
    """What the next run finds of an engine."""
    return NodeState(
        tuple(engine.headers()),
        tuple(engine.stored()),
        engine.tip,
        documents,
        tuple(engine.certificates()),
        engine.changes(),
    )


def load_tree(network: Network, state: NodeState) -> HeaderTree:
    """The header tree as the earlier run left it; the tip is the caller's to set."""
    tree = HeaderTree(network)
    tree.load(state.headers, state.certificates)
    if tree.signers is not None:
        tip = tree.genesis if state.tip is None else tree.get(state.tip)
        tree.signers.carried.load(state.changes, 0 if tip is None else tip.height)
    return tree


def assemble_node(
    network: Network,
    policy: NodePolicy,
    state: NodeState,
    rng: Rng,
    entropy: Callable[[int], bytes],
    now: Micros,
    *,
    identity: Identity | None = None,
    overlay: MakeOverlay | None = None,
    parts: Iterable[MakePart] = (),
) -> Node:
    """A node that has done nothing yet: call start(), then feed it events. Raises DocumentDamaged.

    `entropy` gives bytes for keys, never to be replayed; everything else comes from `rng`. `identity` signs as this
    node, and is that of its policy's peer id; a node that is recorded has none, and signs nothing. `overlay` takes the
    place of the network's model, `parts` are added to those that every node has. Raises MisuseError where there is no
    such model, where one takes a message that has its taker, or one beyond Bitcoin's on a network of Bitcoin's, and for
    a role that keeps no blocks.
    """
    require_role(policy.role, keeps_blocks=True)
    tree = load_tree(network, state)
    for block in state.stored:
        if block in tree:
            tree.mark_stored(block)
    if state.tip is not None:
        tree.set_tip(state.tip)
    documents = state.documents
    common = make_common(network, policy, documents, tree, identity, rng=rng, now=now)
    mempool = policy.mempool or policy_for(is_bitcoin=network.is_bitcoin)
    pool = Mempool(mempool, rng.stream("mempool"), tree.tip.height, coinbase_maturity=network.coinbase_maturity)
    if policy.persists_mempool:
        pool.deltas = _restore(documents, PRIORITIES_KEY, FeeDeltas.from_bytes) or pool.deltas
    shared = Parts(
        network=network,
        policy=policy,
        rng=common.rng,
        tree=tree,
        headers=common.headers,
        sync=BlockSync(tree, common.headers),
        mempool=pool,
        relay=TxRelay(_relay_policy(network, policy, mempool), rng.stream("relay")),
        book=common.book,
        connections=common.connections,
        bootstrap=common.bootstrap,
        gossip=common.gossip,
        records=common.records,
        origin=common.origin,
        members_at=common.members_at,
        own_keys=common.own_keys,
        admission=common.admission,
        evidence=common.evidence,
        configuration=common.configuration,
    )
    wallet = None
    if policy.uses_wallet:
        wallet = _restore(documents, WALLET_KEY, lambda raw: Wallet.from_bytes(raw, network, rng.stream("wallet")))
    session = session_policy(network, policy, relays_transactions=not policy.blocks_only)
    model = make_model(shared, state.documents, full_view(shared), identity, rng=rng, overlay=overlay)
    addressee = make_addressee(network, documents, identity)
    signing = SigningRecord(
        dict(_sign_states(documents)),
        _restore(documents, BLOCKS_KEY, WrittenBlocks.decode) or WrittenBlocks(),
    )
    return Node(shared, make_flows(shared, model, session, wallet, entropy, now, parts, addressee, signing))


def _sign_states(documents: dict[str, bytes]) -> Iterable[tuple[str, SignState]]:
    for key in SIGN_STATE_KEYS:
        state = _restore(documents, key, SignState.decode)
        if state is not None:
            yield key, state


def make_common(
    network: Network,
    policy: NodePolicy,
    documents: dict[str, bytes],
    tree: HeaderTree,
    identity: Identity | None,
    *,
    rng: Rng,
    now: Micros,
) -> CommonParts:
    _require_anchor(tree, policy)
    _require_recoveries(tree)
    is_private = network.allow_private_addresses
    book_rng = rng.stream("book")
    restored = _restore(documents, BOOK_KEY, lambda raw: AddressBook.from_bytes(raw, book_rng, is_private))
    book = restored or AddressBook(book_rng, is_private)
    connections = ConnectionManager(
        _connection_policy(network, policy),
        book.group,
        rng.stream("connections"),
        book.has_answered,
        _restore(documents, BANS_KEY, BanList.from_bytes),
    )
    discovery = DiscoveryPolicy(
        dns_seeds=network.dns_seeds if policy.use_dns_seeds and policy.connect is None else (),
        default_port=network.default_port,
        does_listen=policy.listens,
        carries_peer_ids=not network.is_bitcoin,
        is_private_network=is_private,
    )
    members_at = _member_lists(tree)
    return CommonParts(
        network=network,
        policy=policy,
        rng=rng.stream("sessions"),
        tree=tree,
        headers=HeaderFollower(
            tree, rng.stream("netsync"), policy.tip_age_max_us, policy.peer_timeout_us, policy.anchor
        ),
        book=book,
        connections=connections,
        bootstrap=Bootstrap(discovery, rng, partial(connections.count_ready, *_OUTBOUND)),
        gossip=Gossip(discovery, rng),
        records=_make_records(network, documents, identity, members_at, now),
        members_at=members_at,
        own_keys=OwnKeys(policy.signing_keys),
        admission=_make_admission(network, documents, policy.anchor),
        evidence=_make_evidence(network, documents),
        configuration=_make_configuration(network, documents),
        origin=tree.best_header,
    )


def _require_anchor(tree: HeaderTree, policy: NodePolicy) -> None:
    """Raises MisuseError where the chain of an earlier run is not the anchor's."""
    anchor, signers = policy.anchor, tree.signers
    if anchor is None or signers is None or anchor.height > tree.best_header.height:
        return
    certificate = signers.certificate(tree.ancestor(tree.best_header, anchor.height).hash)
    problem = None if certificate is None else anchor.contradiction(certificate)
    if problem is not None:
        raise MisuseError(
            f"the chain that this node has contradicts the anchor: {problem}. If the anchor is right, somebody showed "
            "the node another history: move its data directory away, keep its keys, and start again with the anchor"
        )


def _require_recoveries(tree: HeaderTree) -> None:
    """Raises MisuseError where the chain of an earlier run does not go with the recoveries that are named."""
    signers = tree.signers
    if signers is None:
        return
    top = tree.best_header
    for one in signers.recoveries.named:
        if one.height > top.height:
            continue
        found = tree.ancestor(top, one.height)
        if found.hash != one.block:
            raise MisuseError(
                f"recovery {one.hash.hex()} goes on from block {hash_to_hex(one.block)}, and this node has "
                f"{found.header} at height {one.height}. If the recovery is right, move the node's data directory "
                "away, keep its keys and its state, and start again with the recovery"
            )
        problem = signers.recovery_problem(one.height)
        if problem is not None:
            raise MisuseError(problem)
    if not top.height:
        return
    certificate = signers.kept_at(top.height).certificate
    if certificate.problem(signers.members_at(top.height), signers.recoveries.domain(top.height)) is not None:
        raise MisuseError(
            f"block {top.height} of this node is not signed by the members that its configuration knows: if the "
            "network was recovered, name that recovery (startnode --recovery FILE)"
        )


def _make_admission(network: Network, documents: dict[str, bytes], anchor: Anchor | None) -> AdmissionState | None:
    """As an earlier run left it, or as the operator vouches for a later version, where not anybody may connect."""
    first = network.admission
    if first is None:
        return None

    def read(raw: bytes) -> AdmissionState:
        return AdmissionState.from_bytes(raw, first, network.network_id)

    state = _restore(documents, ADMISSION_KEY, read) or AdmissionState(first)
    if anchor is not None and anchor.admission is not None:
        state.take(anchor.admission)
    return state


def _make_evidence(network: Network, documents: dict[str, bytes]) -> EvidenceState | None:
    """As an earlier run left it, where members sign."""
    if not isinstance(network.proof, SignersKind):
        return None
    restored = _restore(documents, EVIDENCE_KEY, lambda raw: EvidenceState.from_bytes(raw, network.network_id))
    return restored or EvidenceState()


def _make_configuration(network: Network, documents: dict[str, bytes]) -> ConfigurationState | None:
    """As an earlier run left it, where members sign."""
    if not isinstance(network.proof, SignersKind):
        return None
    restored = _restore(documents, CONFIGURATION_KEY, lambda raw: read_configuration(raw, network.network_id))
    return restored or new_configuration()


def _member_lists(tree: HeaderTree) -> MemberLists:
    """Who signs, by height, as far as the headers tell."""
    signers = tree.signers

    def members_at(height: int) -> MemberList | None:
        if signers is None or not 1 <= height <= signers.finalized + 1:
            return None
        return signers.members_at(height)

    return members_at


def _make_records(
    network: Network,
    documents: dict[str, bytes],
    identity: Identity | None,
    members_at: MemberLists,
    now: Micros,
) -> RecordStore | None:
    """With what an earlier run held, where nodes have messages of their own."""
    if not network.own_messages:
        return None
    store = RecordStore(network, identity, members_at)
    held = _restore(documents, RECORDS_KEY, lambda raw: decode_records(raw, network.network_id))
    store.restore(held or (), now)
    return store


def make_model(
    shared: CommonParts,
    documents: dict[str, bytes],
    ledger: LedgerView,
    identity: Identity | None,
    *,
    rng: Rng,
    overlay: MakeOverlay | None,
) -> Overlay:
    """The network's model, or another in its place."""
    network, policy, slots = shared.network, shared.policy, shared.connections.policy
    row = find_model(network.overlay)
    if row.needs_messages and not policy.peer_id:
        raise MisuseError(f"the network model {network.overlay} needs a peer id, which nodes have on libp2p only")

    def own_address() -> NodeAddress | None:
        return shared.gossip.own_address or next(iter(policy.listen_addresses), None)

    setup = OverlaySetup(
        rng.stream("overlay"),
        slots.full_relay_slots,
        slots.block_only_slots,
        settings=row.complete(network.overlay_settings),
        role=row.role(policy.overlay_role),
        is_private_network=network.allow_private_addresses,
        own_address=own_address,
        identity=identity,
        peer_id=policy.peer_id,
        ledger=ledger,
        group=shared.book.group,
        network_id=network.network_id,
        outbox=shared,
        records=shared.records,
        saved=documents.get(OVERLAY_KEY),
    )
    make = row.make if overlay is None else overlay
    try:
        return make(setup)
    except DecodeError as error:
        raise DocumentDamaged(OVERLAY_KEY, error) from error


def make_addressee(network: Network, documents: dict[str, bytes], identity: Identity | None) -> Addressee | None:
    """Who writes letters and gets them; nobody without a key, or where the network has no messages of its own."""
    if identity is None or not network.own_messages:
        return None
    return Addressee(identity, _restore(documents, LETTERS_KEY, Letterbox.from_bytes) or Letterbox())


def session_policy(network: Network, policy: NodePolicy, *, relays_transactions: bool) -> SessionPolicy:
    return SessionPolicy(
        magic=network.magic,
        services=policy.services,
        user_agent=policy.user_agent,
        ping_after_us=network.ping_after_s * SECOND_US,
        drop_after_us=network.drop_after_s * SECOND_US,
        handshake_timeout_us=policy.peer_timeout_us,
        relays_transactions=relays_transactions,
    )


def _restore(documents: dict[str, bytes], key: str, decode: Callable[[bytes], T]) -> T | None:
    raw = documents.get(key)
    if raw is None:
        return None
    try:
        return decode(raw)
    except DecodeError as error:
        raise DocumentDamaged(key, error) from error


def _relay_policy(network: Network, policy: NodePolicy, mempool: MempoolPolicy) -> RelayPolicy:
    # Bitcoin Core's 5 s and 2 s belong to blocks every 600 s; where blocks come faster, so do announcements.
    # Members make a block as soon as they may where a payment waits.
    spacing_s = network.proof.min_interval_s if isinstance(network.proof, SignersKind) else network.spacing_s
    spacing_us = spacing_s * SECOND_US
    return RelayPolicy(
        policy.inbound_trickle_us or spacing_us // 120,
        policy.outbound_trickle_us or spacing_us // 300,
        mempool.min_relay_feerate,
    )


def _connection_policy(network: Network, policy: NodePolicy) -> ConnectionPolicy:
    chosen = ConnectionPolicy(
        full_relay_slots=policy.outbound_slots,
        # Anchors and eviction come with them; until then these slots would only look like the others.
        block_only_slots=OUTBOUND_BLOCK_ONLY_SLOTS if policy.outbound_slots else 0,
        overlay_slots=OVERLAY_SLOTS_MAX if policy.outbound_slots else 0,
        inbound_slots=policy.inbound_slots,
        connect=policy.connect,
        add_nodes=policy.add_nodes,
        seed_nodes=policy.seed_nodes,
        whitelist=policy.whitelist,
        is_private_network=network.allow_private_addresses,
        own_peer_id=policy.peer_id,
        allowed_peers=frozenset(policy.allowed_peers) if policy.allowed_peers else ANYBODY,
        bans=policy.bans,
    )
    if isinstance(network.proof, SignersKind):
        # Too few members that are connected are a halt: whoever was away for long is not made to wait for long.
        return replace(chosen, known_retry_max_us=SIGNERS_RETRY_MAX_US, manual_retry_max_us=SIGNERS_RETRY_MAX_US)
    return chosen
