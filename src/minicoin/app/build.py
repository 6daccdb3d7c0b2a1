"""Builds a running node from its setup: opens the stores, assembles the core, binds the sockets, starts the workers.

Raises only errors that a user can act on: StoreError, BindError, DamagedDocument. What was opened is closed again when
a later step fails.
"""

import gc
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio
from coincurve import PrivateKey

from minicoin import __version__
from minicoin.app.identity import load_identity
from minicoin.app.loading import load
from minicoin.app.recovery_files import NamedRecoveries
from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.addrmgr.groups import is_routable
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.parsed_blocks import ChainDamaged
from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.directed.letterbox import LETTERS_KEY
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.channel import LocalPeer
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.limits import BLOCK_TIME_AHEAD_S, RECORD_FILE_BYTES_MAX, REGISTRY_MAX_AGE_US
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.node.assemble import DOCUMENT_KEYS, DocumentDamaged, NodeState, assemble_node, state_of
from minicoin.core.node.node import Node
from minicoin.core.notices import Notice
from minicoin.core.overlay.contract import OVERLAY_KEY
from minicoin.core.overlay.forms import find_form
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.recording.writer import Opening
from minicoin.core.records.document import RECORDS_KEY
from minicoin.core.rng import Rng
from minicoin.core.units import Micros, seconds
from minicoin.drivers.audit.log import AUDIT_FOLDER, Audited, AuditLog
from minicoin.drivers.clock import NodeClock, WallClock
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.interfaces import reachable_hosts
from minicoin.drivers.kernel import KernelVerifier
from minicoin.drivers.mdns import Mdns
from minicoin.drivers.network import Listening, Sockets, listening_port, open_listeners
from minicoin.drivers.recorder import Recorder, open_recording
from minicoin.drivers.registry.carrier import RegistryCarrier
from minicoin.drivers.registry.settings import RegistrySettings
from minicoin.drivers.reports import AuditTroubled, MdnsFailed, NoticeTaker, RecordingEnded, Report
from minicoin.drivers.resolver import Resolver
from minicoin.drivers.runtime import Runtime
from minicoin.drivers.signer.link import SignerLink
from minicoin.drivers.store.disk import DiskChainStore
from minicoin.drivers.threads import finish
from minicoin.drivers.transport import Gate, Libp2pTransport, PlainTransport, Transport, TransportKind

STATE_FOLDER = "state"

# No reason not to start: most are filled again by themselves, and letters stay readable in the file that is kept. A
# wallet or a ban list is one.
_EXPENDABLE = frozenset({BOOK_KEY, MEMPOOL_KEY, OVERLAY_KEY, LETTERS_KEY, RECORDS_KEY})


class DamagedDocument(MisuseError):
    """A document of the data directory cannot be read, and is too precious to be started over."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where to listen; a port of 0 takes any free one."""

    host: str
    port: int
    transport: TransportKind | None = None


@dataclass(frozen=True, slots=True)
class RecordSetup:
    """Where a recording goes, and how long it gets."""

    path: Path
    bytes_max: int = RECORD_FILE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """Everything that makes one node."""

    network: Network
    datadir: Path
    policy: NodePolicy = field(default_factory=NodePolicy)
    binds: tuple[Bind, ...] = ()
    transport: TransportKind | None = None
    """For dials and for binds that name none; None: the network's own, plain TCP for Bitcoin's and libp2p for ours."""
    identity: Identity | None = None
    """Who this node is on libp2p; None: the one of the data directory, made at the first start."""
    signing_keys: tuple[PrivateKey, ...] = ()
    """Of the member of a consortium that this node signs for: one, or two while it is rolled."""
    signer: Path | None = None
    """The socket of a signer that holds them, where this process does not."""
    script_threads: int = 1
    nameserver: tuple[str, int] | None = None
    """Who is asked for names; None: the system's."""
    uses_mdns: bool = False
    """Look for nodes on the local link, and be found there."""
    registry: RegistrySettings | None = None
    """Where members find each other and leave records."""
    registry_max_age_us: int = REGISTRY_MAX_AGE_US
    """How long its word of nodes counts that this one has not met."""
    recoveries: NamedRecoveries | None = None
    """Those that `network` names: the data directory keeps them once the node is built."""
    record: RecordSetup | None = None
    """Write what the node handles to a file; the node runs without a wallet then, so that no key gets there."""

    mock_time_us: int | None = None
    """Where the node's clock stands from the start; for tests, on networks of trivial work."""

    @property
    def default_transport(self) -> TransportKind:
        """What dials speak."""
        own = TransportKind.PLAIN if self.network.is_bitcoin else TransportKind.LIBP2P
        return self.transport or own


@dataclass(slots=True)
class BuiltNode:
    """A node that is ready to run."""

    setup: NodeSetup
    runtime: Runtime
    listeners: list[Listening]
    identity: Identity | None
    """Who the node is on libp2p; None where it speaks plain TCP only."""
    mdns: Mdns | None
    registry: RegistryCarrier | None
    audit: AuditLog | None
    """Where members sign the blocks."""
    signer: VoteSigner | SignerLink | None
    """What signs for the member whose node it is."""
    mempool: bytes | None
    messages: list[str]
    """What opening had to repair, for the log."""

    @property
    def port(self) -> int:
        """Where it listens; 0 where it does not."""
        return listening_port(self.listeners[0][0]) if self.listeners else 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until it is stopped."""
        if self.audit is not None:
            self.audit.start(self.runtime.clock.wall())
        try:
            async with trio.open_nursery() as nursery:
                if self.mdns is not None:
                    nursery.start_soon(self.mdns.run, self._note_mdns_failure)
                if self.registry is not None:
                    nursery.start_soon(self.registry.run)
                await self.runtime.run(self.listeners, self.mempool, task_status=task_status)
                nursery.cancel_scope.cancel()
        finally:
            if self.audit is not None:
                with trio.CancelScope(shield=True):
                    await finish(partial(self.audit.stop, self.runtime.clock.wall(), self.runtime.stop_reason))

    def _note_mdns_failure(self, reason: str) -> None:
        self.runtime.report(MdnsFailed(reason))


async def build_node(setup: NodeSetup, on_notice: NoticeTaker) -> BuiltNode:
    """Open everything. Must be called inside trio."""
    _refuse_plain(setup)
    listeners = await open_listeners([(bind.host, bind.port) for bind in setup.binds])
    try:
        return _build(setup, listeners, on_notice)
    except BaseException:
        for listener in listeners:
            await listener.aclose()
        raise


def _build(setup: NodeSetup, listeners: list[trio.SocketListener], on_notice: NoticeTaker) -> BuiltNode:
    network = setup.network
    clock = WallClock()
    store = DiskChainStore(setup.datadir, network)
    try:
        messages = list(store.messages)
        documents = DocumentStore(setup.datadir / STATE_FOLDER)
        loaded = _load_documents(documents, uses_wallet=setup.record is None)
        verifier = KernelVerifier(setup.script_threads)
        try:
            engine = ChainEngine(network, store, verifier)
        except ChainDamaged as error:
            verifier.close()
            raise DamagedDocument(
                f"{setup.datadir} is damaged: {error}; move it away and import its blocks/ into a new one"
            ) from error
        kinds = [bind.transport or setup.default_transport for bind in setup.binds]
        identity = None
        if TransportKind.LIBP2P in (*kinds, setup.default_transport):
            identity = setup.identity or load_identity(setup.datadir)
        policy = replace(setup.policy, peer_id=identity.peer_id.multihash if identity is not None else b"")
        signer = _make_signer(setup, policy.peer_id)
        if signer is not None:
            policy = replace(policy, signing_keys=_own_members(setup, signer, loaded, messages))
        if listeners:
            policy = replace(policy, listen_port=listening_port(listeners[0]))
        policy = replace(policy, listen_addresses=_listen_addresses(setup, listeners, kinds, policy.peer_id))
        if setup.record is not None:
            policy = replace(policy, uses_wallet=False)
        state = state_of(engine, loaded)
        node_clock = NodeClock(clock)
        node_clock.set(None if setup.mock_time_us is None else Micros(setup.mock_time_us))
        _refuse_future_tip(engine, setup.datadir, node_clock())
        # What a recorded node signs could not be made again without its key, which no recording holds.
        own = identity if setup.record is None else None
        assembled = _assemble(setup, policy, own, state, documents, node_clock)
        messages += assembled.repaired
        recorder = None
        if setup.record is not None:
            opening = Opening(__version__, network, policy, state, assembled.seed, assembled.now)
            recorder = _open_recorder(setup.record, opening, clock, on_notice)
    except BaseException:
        store.close()
        raise
    inbox = Inbox()
    # Headers and the mempool's first load live as long as the node: no collection need walk them again.
    gc.collect()
    gc.freeze()
    # Until the node's first word nobody is let in where somebody is not.
    gate = Gate(frozenset() if setup.network.admission else None)
    transports = _make_transports(setup, identity, policy.listen_addresses, clock, gate)
    group_of = None if network.allow_private_addresses else assembled.node.view.book.group
    sockets = Sockets(
        network.magic, transports[setup.default_transport], inbox, clock, Resolver(setup.nameserver), group_of, gate
    )
    mdns = None
    if setup.uses_mdns and identity is not None:
        mdns = Mdns(policy.listen_addresses, network.network_id, inbox.put_from_thread, clock)
    heard: list[NoticeTaker] = [on_notice]

    def tell(now: Micros, notice: Notice | Report) -> None:
        for taker in heard:
            taker(now, notice)

    if isinstance(signer, SignerLink):
        signer.report = lambda report: runtime.report_from_thread(report)
    runtime = Runtime(assembled.node, engine, documents, sockets, inbox, node_clock, tell, recorder, signer)
    audit = _make_audit(setup, runtime, loaded)
    if audit is not None:
        heard.append(audit.take)
    listening = [(listener, transports[kind]) for listener, kind in zip(listeners, kinds, strict=True)]
    registry = _make_registry(setup, runtime, inbox)
    return BuiltNode(
        setup, runtime, listening, identity, mdns, registry, audit, signer, loaded.get(MEMPOOL_KEY), messages
    )


def _make_audit(setup: NodeSetup, runtime: Runtime, documents: Mapping[str, bytes]) -> AuditLog | None:
    """Where members sign the blocks."""
    if not isinstance(setup.network.proof, SignersKind):
        return None
    view = runtime.node.view
    written = [documents[key] for key in SIGN_STATE_KEYS if key in documents and view.policy.signing_keys]
    audited = Audited(view, tuple(map(SignState.decode, written)), __version__)
    return AuditLog(
        setup.datadir / AUDIT_FOLDER, audited, lambda reason: runtime.report_from_thread(AuditTroubled(reason))
    )


def _make_signer(setup: NodeSetup, peer_id: bytes) -> VoteSigner | SignerLink | None:
    """What signs for this node; None where it looks on."""
    network_id = setup.network.network_id
    if setup.signer is not None:
        return SignerLink(setup.signer, network_id, peer_id)
    return VoteSigner(setup.signing_keys, network_id, peer_id) if setup.signing_keys else None


def _own_members(
    setup: NodeSetup, signer: VoteSigner | SignerLink, documents: dict[str, bytes], messages: list[str]
) -> tuple[bytes, ...]:
    """Whom the node signs for. Without its signer it starts all the same, as the member whose record it has. Raises
    MisuseError."""
    away = signer.find() if isinstance(signer, SignerLink) else ""
    if signer.members:
        return signer.members
    records = [documents[key] for key in SIGN_STATE_KEYS if key in documents]
    if not records:
        raise MisuseError(
            f"{away}; start the signer first: {setup.datadir} does not say which member this node signs for"
        )
    messages.append(f"{away}; until the signer is there this node signs nothing")
    return tuple(SignState.decode(record).member for record in records)


def _make_registry(setup: NodeSetup, runtime: Runtime, inbox: Inbox) -> RegistryCarrier | None:
    """Raises MisuseError for certificates that cannot be used."""
    if setup.registry is None:
        return None
    carrier: RegistryCarrier = load("registry").make_carrier(
        setup.registry,
        setup.registry_max_age_us,
        runtime.node.view,
        setup.datadir / STATE_FOLDER,
        inbox.put_nowait,
        runtime.report,
    )
    return carrier


def _refuse_plain(setup: NodeSetup) -> None:
    kinds = [setup.default_transport, *(bind.transport for bind in setup.binds)]
    if setup.network.admission and TransportKind.PLAIN in kinds:
        raise MisuseError(
            f"{setup.network.name} admits nodes by their peer ids, which plain TCP cannot prove: leave out the "
            "transport tcp and use libp2p"
        )


def _refuse_future_tip(engine: ChainEngine, datadir: Path, now: Micros) -> None:
    """A clock that is wrong by so much makes the node refuse everybody's blocks, without a word of why."""
    ahead_s = engine.tip_time - seconds(now)
    if ahead_s > BLOCK_TIME_AHEAD_S:
        made = datetime.fromtimestamp(engine.tip_time, UTC).isoformat(" ", "seconds")
        raise MisuseError(
            f"the last block in {datadir} appears to be from the future: it was made at {made}, {ahead_s // 3600} h "
            "ahead of this computer's clock; set date and time right and start again"
        )


def _open_recorder(record: RecordSetup, opening: Opening, clock: WallClock, on_notice: NoticeTaker) -> Recorder:
    def note_end(reason: str, events: int, length: int) -> None:
        on_notice(clock(), RecordingEnded(reason, events, length))

    sink = open_recording(record.path)
    try:
        return Recorder(sink, opening, record.bytes_max, note_end)
    except BaseException:
        sink.close()
        record.path.unlink()
        raise


def _load_documents(documents: DocumentStore, *, uses_wallet: bool) -> dict[str, bytes]:
    loaded: dict[str, bytes] = {}
    for key in DOCUMENT_KEYS:
        if key == WALLET_KEY and not uses_wallet:
            continue
        raw = documents.load(key)
        if raw is not None:
            loaded[key] = raw
    return loaded


@dataclass(frozen=True, slots=True)
class _Assembled:
    node: Node
    seed: bytes
    now: Micros
    repaired: list[str]


def damage_text(path: Path, error: DocumentDamaged) -> str:
    """What is wrong with a document that is too precious to be begun anew, and where its remedy is told."""
    if error.key in (*SIGN_STATE_KEYS, BLOCKS_KEY):
        return f"{path} cannot be read: {error}. Put no older copy in its place: docs/upkeep.md, A lost record"
    return f"{path} cannot be read: {error}"


def _assemble(
    setup: NodeSetup,
    policy: NodePolicy,
    identity: Identity | None,
    state: NodeState,
    documents: DocumentStore,
    clock: NodeClock,
) -> _Assembled:
    """What can be filled again is set aside when damaged; a damaged wallet or ban list stops the start."""
    repaired: list[str] = []
    while True:
        seed, now = os.urandom(32), clock()
        try:
            node = assemble_node(setup.network, policy, state, Rng(seed), os.urandom, now, identity=identity)
        except DocumentDamaged as error:
            path = setup.datadir / STATE_FOLDER / error.key
            if error.key not in _EXPENDABLE:
                raise DamagedDocument(damage_text(path, error)) from error
            aside = documents.set_aside(error.key)
            del state.documents[error.key]
            repaired.append(f"{path} was damaged ({error}); it is kept as {aside.name} and a new one is begun")
        else:
            return _Assembled(node, seed, now, repaired)


def _listen_addresses(
    setup: NodeSetup, listeners: list[trio.SocketListener], kinds: list[TransportKind], peer_id: bytes
) -> tuple[NodeAddress, ...]:
    found: list[NodeAddress] = []
    for bind, listener, kind in zip(setup.binds, listeners, kinds, strict=True):
        proven = peer_id if kind is TransportKind.LIBP2P else b""
        found += [NodeAddress(host, listening_port(listener), proven) for host in reachable_hosts(bind.host)]
    return tuple(found)


def _make_transports(
    setup: NodeSetup, identity: Identity | None, addresses: tuple[NodeAddress, ...], clock: WallClock, gate: Gate
) -> dict[TransportKind, Transport]:
    transports: dict[TransportKind, Transport] = {TransportKind.PLAIN: PlainTransport()}
    if identity is not None:
        # Private addresses are nobody's business on a public network.
        told = tuple(
            Multiaddr.of_endpoint(address.host, address.port)
            for address in addresses
            if address.peer_id and is_routable(address, allow_private=setup.network.allow_private_addresses)
        )
        # Others take who names the protocol for one that answers: a client, or who listens nowhere, does not.
        asked = find_form(setup.network.overlay).questions_to(setup.policy.overlay_role) if addresses else ""
        local = LocalPeer(
            identity,
            setup.network.protocol_id,
            setup.policy.user_agent,
            told,
            questions=setup.network.protocol(asked) if asked else None,
            admits=gate.admits,
        )
        transports[TransportKind.LIBP2P] = Libp2pTransport(local, Rng(os.urandom(32)), clock)
    return transports
