"""rpc's NodePort over a running node: calls from the server's event loop cross to loop and worker, and back."""

import asyncio
from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import TypeVar, cast

import trio

from minicoin.app.log import Log
from minicoin.app.more_keys import MoreKeys
from minicoin.core.answers import Answer, CommandRefused, Reason, Refused
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.commands import A, Asks, closed, take_answer
from minicoin.core.effects import Reply
from minicoin.core.faults import MisuseError
from minicoin.core.params.network import Network
from minicoin.core.queries.node import NodeQueries
from minicoin.drivers.audit.log import AuditLog
from minicoin.drivers.audit.writer import AuditStatus
from minicoin.drivers.connection import ByteCounts
from minicoin.drivers.registry.carrier import RegistryCarrier
from minicoin.drivers.registry.status import RegistryStatus
from minicoin.drivers.runtime import Runtime
from minicoin.rpc.port import ChainReads

T = TypeVar("T")

_GONE = "the node is shutting down"


class NodeBridge:
    """Made once per node; its methods are awaited from the RPC server's event loop."""

    def __init__(
        self,
        runtime: Runtime,
        network: Network,
        datadir: Path,
        version: str,
        started_at: int,
        log: Log | None = None,
        registry: RegistryCarrier | None = None,
        audit: AuditLog | None = None,
        more_keys: MoreKeys | None = None,
    ) -> None:
        self._runtime = runtime
        self._registry = registry
        self._audit = audit
        self._more_keys = more_keys
        self.network = network
        self.datadir = datadir
        self._log = log or Log()
        self.version = version
        self.started_at = started_at

    @property
    def log_path(self) -> str:
        """The file of the log; empty where lines go to standard error."""
        path = self._log.path
        return "" if path is None else str(path.absolute())

    @property
    def log_areas(self) -> frozenset[str]:
        """Those whose every record is logged."""
        return self._log.areas

    def choose_log_areas(self, areas: frozenset[str]) -> None:
        """From now on these. The log reads them once a record, so that no lock is needed."""
        self._log.areas = areas

    async def command(self, command: Asks[A]) -> A:
        """Have the node do something; its answer. Raises CommandRefused."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer | Refused] = loop.create_future()

        def settle(reply: Reply) -> None:
            _call(loop, _succeed, (answer, reply.answer))

        try:
            self._runtime.command_from_thread(closed(command), settle)
        except trio.RunFinishedError as error:
            raise CommandRefused(Reason.STOPPED, _GONE) from error
        return take_answer(command, await answer)

    async def registry(self) -> RegistryStatus | None:
        """How the node stands to its registry, read on its loop."""
        carrier = self._registry
        return None if carrier is None else await self.query(lambda _: carrier.status())

    def audit(self) -> AuditStatus | None:
        """How the audit log gets on."""
        return None if self._audit is None else self._audit.status()

    async def find_keys(self, held: Collection[bytes], passphrase: str) -> tuple[tuple[bytes, bytes | None], ...]:
        """Signing keys that are not held, off the loop. Raises CommandRefused."""
        if self._more_keys is None:
            return ()
        try:
            return await asyncio.to_thread(self._more_keys.find, held, passphrase)
        except MisuseError as error:
            raise CommandRefused(Reason.UNABLE, str(error)) from error

    async def query(self, read: Callable[[NodeQueries], T]) -> T:
        """Read on the node's loop, between two events."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                value = read(NodeQueries(self._runtime.node.view, self._runtime.clock()))
            except Exception as error:  # noqa: BLE001 - travels to the caller, who asked for this very read
                _call(loop, _fail, (answer, error))
                return
            _call(loop, _succeed, (answer, value))

        try:
            self._runtime.call_from_thread(run)
        except trio.RunFinishedError as error:
            raise CommandRefused(Reason.STOPPED, _GONE) from error
        return await answer

    async def read_chain(self, read: Callable[[ChainReads], T]) -> T:
        """Read in the chain worker, between two jobs."""
        return await self._read_chain(read)

    async def read_chain_slowly(self, read: Callable[[ChainReads], Generator[None, None, T]]) -> T:
        """The same, a slice at a time."""
        return await self._read_chain(read)

    async def _read_chain(self, read: Callable[[ChainReads], object]) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def done(value: object, error: Exception | None) -> None:
            if error is not None:
                # A full disk or a damaged file: the caller hears it as an error of his call.
                _call(loop, _fail, (answer, CommandRefused(Reason.UNABLE, str(error))))
            else:
                _call(loop, _succeed, (answer, cast(T, value)))

        def run(engine: ChainEngine) -> object:
            return read(engine)

        self._runtime.read_chain(run, done)
        return await answer

    def traffic(self) -> Mapping[int, ByteCounts]:
        """What each open connection carried so far, by its id."""
        return self._runtime.network.traffic()

    def traffic_total(self) -> tuple[int, int]:
        """Bytes (sent, received) of all connections since the start."""
        return self._runtime.network.traffic_total()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T) -> None:
    try:
        loop.call_soon_threadsafe(function, argument)
    except RuntimeError:
        # The server stopped while its question was being answered: nobody waits any more.
        return


def _succeed(pair: tuple[asyncio.Future[T], T]) -> None:
    answer, value = pair
    if not answer.cancelled():
        answer.set_result(value)


def _fail(pair: tuple[asyncio.Future[T], Exception]) -> None:
    answer, error = pair
    if not answer.cancelled():
        answer.set_exception(error)
