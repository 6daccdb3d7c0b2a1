"""The processes that the crash tests kill: each works on a data directory and says on stdout what it acknowledged.

`work ACTIVITY DIRECTORY ...` prints `ready`, then one line per acknowledgement: `block HASH`,
`address ADDRESS`, `payment TXID`. A line is printed only when an operator could have been told the same. `pay` says
besides, before each payment, what it asks for: `asked SATOSHI`, each amount once. With DIE_AT_ANSWER in the environment
it kills itself at the answer of so many payments, before anybody is told; with FLUSH_EVERY, coins become durable after
so many blocks, so that kills also meet that moment.
"""

import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from minicoin.app.build import BuiltNode, NodeSetup, build_node
from minicoin.core.answers import CommandRefused
from minicoin.core.chain import engine
from minicoin.core.commands import A, Asks, Generate, NewAddress, Pay, closed, take_answer
from minicoin.core.effects import Reply
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.notices import ChainHalted, Notice, TipMoved
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import Micros
from minicoin.drivers.reports import Report
from minicoin.drivers.store.blockfiles import import_blocks
from minicoin.drivers.store.errors import StoreError
from minicoin.drivers.store.local_chain import LocalChain

NETWORK = lookup("bitcoin-regtest")
OP_TRUE = b"\x51"
_PAYMENTS_PER_BLOCK = 4
_PAYMENTS_PER_LIFE = 6
_PAYMENT_SAT = 100_000


def say(*words: object) -> None:
    """One line that the parent takes as told to the world."""
    print(*words, flush=True)


def import_file(directory: Path, file: Path) -> None:
    """Acknowledges every tip that the import reached."""
    chain = LocalChain(NETWORK, directory)
    told = chain.tip
    say("ready")

    def progress(done: int, total: int, height: int) -> None:
        nonlocal told
        if chain.tip != told:
            told = chain.tip
            say("block", hash_to_hex(told))

    import_blocks(chain, [file], progress)
    say("block", hash_to_hex(chain.tip))
    chain.close()


class Child:
    """A running node and how to ask it."""

    def __init__(self, built: BuiltNode) -> None:
        self._runtime = built.runtime

    async def ask(self, command: Asks[A]) -> A:
        """The answer. Raises CommandRefused."""
        done = trio.Event()
        replies: list[Reply] = []

        def take(reply: Reply) -> None:
            replies.append(reply)
            done.set()

        self._runtime.command_nowait(closed(command), take)
        await done.wait()
        return take_answer(command, replies[0].answer)

    async def mine(self) -> None:
        """Blocks, one after the other. Ready with the first one: the search's own process takes its time to start."""
        await self._mine_one()
        say("ready")
        while True:
            await self._mine_one()

    async def send(self) -> None:
        """Fresh addresses, payments to them, and a block after every few."""
        await self._mine_one()
        say("ready")
        while True:
            for _ in range(_PAYMENTS_PER_BLOCK):
                address = (await self.ask(NewAddress(""))).address
                say("address", address)
                script = address_script(address, NETWORK.address_format)
                sent = await self.ask(Pay((TxOut(_PAYMENT_SAT, script),), 2_000))
                say("payment", hash_to_hex(sent.txid))
            await self._mine_one()

    async def pay(self, script: bytes, amount_sat: int) -> None:
        """A few payments, each of its own amount; then it waits for its end."""
        say("ready")
        dies_at = int(os.environ.get("DIE_AT_ANSWER", "0"))
        for count in range(1, _PAYMENTS_PER_LIFE + 1):
            say("asked", amount_sat)
            sent = await self.ask(Pay((TxOut(amount_sat, script),), 2_000))
            if count == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            say("payment", hash_to_hex(sent.txid))
            amount_sat += 1
        await trio.sleep_forever()

    async def _mine_one(self) -> None:
        mined = await self.ask(Generate(1, OP_TRUE))
        say("block", hash_to_hex(mined.blocks[0]))


async def run_node(directory: Path, activity: str, port: int | None, script: bytes, amount_sat: int) -> str:
    """A node that works until it is killed or cannot go on: why, then."""
    connect = () if port is None else (NodeAddress("127.0.0.1", port),)
    policy = NodePolicy(connect=connect or None, listens=False)
    failed = trio.Event()

    def on_notice(now: Micros, notice: Notice | Report) -> None:
        if activity == "sync" and isinstance(notice, TipMoved):
            # Relayed and shown from here on.
            say("block", hash_to_hex(built.runtime.node.view.tree.tip.hash))
        if activity == "sync" and isinstance(notice, ChainHalted):
            failed.set()

    built = await build_node(NodeSetup(NETWORK, directory, policy), on_notice)
    child = Child(built)
    why = ""
    async with trio.open_nursery() as nursery:
        await nursery.start(built.run)
        try:
            if activity == "sync":
                say("ready")
                await failed.wait()
                why = built.runtime.node.view.failure
            else:
                await (
                    child.pay(script, amount_sat)
                    if activity == "pay"
                    else child.mine()
                    if activity == "mine"
                    else child.send()
                )
        except CommandRefused as refusal:
            why = str(refusal)
        built.runtime.stop_nowait()
        await built.runtime.finished.wait()
    return why


def work(arguments: list[str], environment: dict[str, str], out: Connection, errors: Connection) -> None:
    """Do what the arguments say, with these as standard output and standard error."""
    for there, stream in ((out, sys.stdout), (errors, sys.stderr)):
        os.dup2(there.fileno(), stream.fileno())
        there.close()
    os.environ.update(environment)
    activity, directory, *rest = arguments
    if "FLUSH_EVERY" in os.environ:
        setattr(engine, "UNFLUSHED_BLOCKS_MAX", int(os.environ["FLUSH_EVERY"]))  # noqa: B010
    if "FILE_BYTES_MAX" in os.environ:
        # Python ignores SIGXFSZ: a write beyond the limit fails as it would on a full disk.
        limit = int(os.environ["FILE_BYTES_MAX"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        if activity == "import":
            import_file(Path(directory), Path(rest[0]))
            return
        port, script, amount = (*rest, *("0", "", "0")[len(rest) :])
        sys.exit(trio.run(run_node, Path(directory), activity, int(port) or None, bytes.fromhex(script), int(amount)))
    except StoreError as error:
        sys.exit(str(error))
