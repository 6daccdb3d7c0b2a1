"""A process that works on a data directory until it is killed, and what it acknowledged until then."""

import signal
import threading
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path

from tests.waiting import HANG_S

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.encoding.hashes import hash_from_hex, hash_to_hex
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Txid
from minicoin.drivers.store.local_chain import LocalChain

from .crash_child import work
from .forked import server


@dataclass(slots=True)
class Acknowledged:
    """What the process told the world."""

    blocks: list[BlockHash] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    payments: list[Txid] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    """Not acknowledged: the amounts of the payments it was about to ask for."""

    def note(self, kind: str, value: str) -> None:
        match kind:
            case "block":
                self.blocks.append(BlockHash(hash_from_hex(value)))
            case "address":
                self.addresses.append(value)
            case "payment":
                self.payments.append(Txid(hash_from_hex(value)))
            case "asked":
                self.asked.append(int(value))


class Doomed:
    """Started with the child's arguments."""

    def __init__(self, *arguments: object, environment: dict[str, str] | None = None) -> None:
        (self._out, out), (self._err, errors) = (Pipe(duplex=False) for _ in range(2))
        words = [str(argument) for argument in arguments]
        self._process = server().Process(target=work, args=(words, environment or {}, out, errors))
        self._process.start()
        # The last one that has them is the process: its end is theirs.
        out.close()
        errors.close()
        self.acknowledged = Acknowledged()
        self._is_ready = threading.Event()
        self._errors = ""
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._listen_to_errors)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        with self._out, open(self._out.fileno(), closefd=False) as lines:
            for line in lines:
                # Half a line was not told to anybody.
                if line == "ready\n":
                    self._is_ready.set()
                elif line.endswith("\n"):
                    self.acknowledged.note(*line.split())
        self._is_ready.set()

    def _listen_to_errors(self) -> None:
        with self._err, open(self._err.fileno(), closefd=False) as errors:
            self._errors = errors.read()

    def wait_ready(self) -> None:
        """Until it works on the directory."""
        assert self._is_ready.wait(HANG_S), "the process did not open its directory"

    def wait_killed(self) -> None:
        """Until it has killed itself."""
        assert self._end() == -signal.SIGKILL, self._errors

    def kill_after(self, seconds: float) -> bool:
        """SIGKILL in so many seconds; False where it was done before that."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._end()
            return True
        assert self._end() == 0, self._errors
        return False

    def wait_end(self) -> tuple[int, str]:
        """(exit code, what it said on stderr) once it ends by itself."""
        return self._end(), self._errors

    def _end(self) -> int:
        """Its exit code."""
        self._process.join(HANG_S)
        code = self._process.exitcode
        assert code is not None, "the process does not end"
        for thread in self._threads:
            thread.join(HANG_S)
        return code


def replayed_coin_set_hash(chain: LocalChain, network: Network) -> bytes:
    """The hash of the coins after a fresh replay, in memory, of the chain's own blocks."""
    fresh = LocalChain(network, MemoryChainStore())
    for height in range(1, chain.height + 1):
        node = chain.tree.at_height(height)
        assert node is not None
        raw = chain.engine.read_block(node.hash)
        assert raw is not None
        refused = fresh.accept(raw)
        assert refused is None, refused
    assert fresh.tip == chain.tip
    return fresh.engine.coin_set_hash()


def check_chain(network: Network, directory: Path, blocks: list[BlockHash]) -> int:
    """The directory opens, holds every one of these blocks in its chain, and has the coins of a replay; its height."""
    chain = LocalChain(network, directory)
    try:
        for block in blocks:
            node = chain.tree.get(block)
            assert node is not None, f"block {hash_to_hex(block)} was acknowledged and is gone"
            assert chain.tree.is_active(node), f"{node} was acknowledged and is not in the chain"
        assert chain.engine.coin_set_hash() == replayed_coin_set_hash(chain, network)
        return chain.height
    finally:
        chain.close()
