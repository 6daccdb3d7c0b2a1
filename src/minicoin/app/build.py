"""Builds a running node from its setup: opens the stores, assembles the core, binds the sockets, starts the workers.

Raises only errors that a user can act on: StoreError, BindError, DamagedDocument. What was opened is closed again when
a later step fails.
"""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from minicoin.core.chain.engine import ChainDamaged, ChainEngine
from minicoin.core.faults import MisuseError
from minicoin.core.node.assemble import DOCUMENT_KEYS, DocumentDamaged, NodeState, assemble_node
from minicoin.core.node.node import BOOK_KEY, MEMPOOL_KEY, Node
from minicoin.core.node.policy import NodePolicy
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.drivers.channel import Channel, PlainChannel
from minicoin.drivers.clock import WallClock
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.kernel import KernelVerifier
from minicoin.drivers.network import Network as Sockets
from minicoin.drivers.network import listening_port, open_listeners
from minicoin.drivers.runtime import Runtime, TraceTaker
from minicoin.drivers.store.disk import DiskChainStore

STATE_FOLDER = "state"

# Worth losing: they are filled again by themselves. A wallet or a ban list is not.
_EXPENDABLE = frozenset({BOOK_KEY, MEMPOOL_KEY})


class DamagedDocument(MisuseError):
    """A document of the data directory cannot be read, and is too precious to be started over."""


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """Everything that makes one node."""

    network: Network
    datadir: Path
    policy: NodePolicy = field(default_factory=NodePolicy)
    binds: tuple[tuple[str, int], ...] = ()
    """Host and port to listen on; a port of 0 takes any free one."""
    script_threads: int = 1


@dataclass(slots=True)
class BuiltNode:
    """A node that is ready to run."""

    setup: NodeSetup
    runtime: Runtime
    listeners: list[trio.SocketListener]
    mempool: bytes | None
    messages: list[str]
    """What opening had to repair, for the log."""

    @property
    def port(self) -> int:
        """Where it listens; 0 where it does not."""
        return listening_port(self.listeners[0]) if self.listeners else 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until it is stopped."""
        await self.runtime.run(self.listeners, self.mempool, task_status=task_status)


async def build_node(setup: NodeSetup, on_trace: TraceTaker) -> BuiltNode:
    """Open everything. Must be called inside trio."""
    listeners = await open_listeners(setup.binds)
    try:
        return _build(setup, listeners, on_trace)
    except BaseException:
        for listener in listeners:
            await listener.aclose()
        raise


def _build(setup: NodeSetup, listeners: list[trio.SocketListener], on_trace: TraceTaker) -> BuiltNode:
    network = setup.network
    clock = WallClock()
    store = DiskChainStore(setup.datadir, network)
    try:
        messages = list(store.messages)
        documents = DocumentStore(setup.datadir / STATE_FOLDER)
        loaded = _load_documents(documents)
        verifier = KernelVerifier(setup.script_threads)
        try:
            engine = ChainEngine(network, store, verifier)
        except ChainDamaged as error:
            verifier.close()
            raise DamagedDocument(
                f"{setup.datadir} is damaged: {error}; move it away and import its blocks/ into a new one"
            ) from error
        policy = setup.policy
        if listeners and not policy.listen_port:
            policy = replace(policy, listen_port=listening_port(listeners[0]))
        state = NodeState(tuple(engine.headers()), tuple(engine.stored()), engine.tip, loaded)
        node, repaired = _assemble(setup, policy, state, documents, clock)
        messages += repaired
    except BaseException:
        store.close()
        raise
    inbox = Inbox()
    sockets = Sockets(network.magic, _plain_channel, inbox, clock)
    runtime = Runtime(node, engine, documents, sockets, inbox, clock, on_trace)
    return BuiltNode(setup, runtime, listeners, loaded.get(MEMPOOL_KEY), messages)


def _load_documents(documents: DocumentStore) -> dict[str, bytes]:
    loaded: dict[str, bytes] = {}
    for key in DOCUMENT_KEYS:
        raw = documents.load(key)
        if raw is not None:
            loaded[key] = raw
    return loaded


def _assemble(
    setup: NodeSetup, policy: NodePolicy, state: NodeState, documents: DocumentStore, clock: WallClock
) -> tuple[Node, list[str]]:
    """What can be filled again is set aside when damaged; a damaged wallet or ban list stops the start."""
    repaired: list[str] = []
    while True:
        try:
            node = assemble_node(setup.network, policy, state, Rng(os.urandom(32)), os.urandom, clock())
        except DocumentDamaged as error:
            path = setup.datadir / STATE_FOLDER / error.key
            if error.key not in _EXPENDABLE:
                raise DamagedDocument(f"{path} cannot be read: {error}") from error
            aside = documents.set_aside(error.key)
            del state.documents[error.key]
            repaired.append(f"{path} was damaged ({error}); it is kept as {aside.name} and a new one is begun")
        else:
            return node, repaired


def _plain_channel(remote: NodeAddress, inbound: bool) -> Channel:
    return PlainChannel()
