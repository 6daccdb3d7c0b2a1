"""`minicoin lab up N`: start, connect, fund, pay, show. Ends by itself with --once, else with Ctrl-C."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live

from minicoin.app.client import as_array
from minicoin.app.lab.plan import LabPlan
from minicoin.app.lab.process import LabError, LabNode
from minicoin.app.lab.table import NodeRow, read_row, render
from minicoin.app.show import counted
from minicoin.core.params.network import Network
from minicoin.rpc.json_text import Json

PAYMENT: Final = Decimal("1.5")
# On a machine that is busy with other things a step takes long; beyond this it does not come.
_PATIENCE_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.1
_REFRESH_SECONDS: Final = 0.5
_MINE_EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class LabResult:
    """What `--once` showed."""

    nodes: tuple[NodeRow, ...]
    payment: str
    block: str
    amount: Decimal
    seconds: float


def lab_up(
    plan: LabPlan,
    *,
    once: bool,
    datadir: Path | None = None,
    console: Console | None = None,
    on_result: Callable[[LabResult], None] | None = None,
) -> int:
    """Run a lab; the exit code. Raises MisuseError, NoNode, RpcFailure; the nodes are stopped whatever happens.

    Without `datadir` the nodes live in a temporary directory that is removed at the end.
    """
    console = console or Console(soft_wrap=True)
    with lab_directory(datadir, console) as directory, _running(plan, directory, console) as nodes:
        result = _pay_across(nodes, plan.network, console)
        if on_result is not None:
            on_result(result)
        console.print(render(result.nodes, _title(result)))
        if not once:
            _watch(nodes, console)
    return 0


@contextmanager
def lab_directory(datadir: Path | None, console: Console) -> Iterator[Path]:
    """Where a lab lives until Ctrl-C: `datadir`, or a directory that is removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="minicoin-lab-")) if datadir is None else datadir
    try:
        yield directory
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        if datadir is None:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _running(plan: LabPlan, directory: Path, console: Console) -> Iterator[list[LabNode]]:
    nodes: list[LabNode] = []
    network_name = plan.name_for_nodes(directory)

    def start(indexes: range) -> None:
        """All of them at once; each is told of one that is up."""
        addresses = [node.join_address for node in nodes]
        for index in indexes:
            dials = plan.dials(index, addresses)
            nodes.append(LabNode(f"node{index}", network_name, directory, plan.roles[index], dials))
        for index in indexes:
            nodes[index].wait_up()

    try:
        told = counted(len(plan.roles), "node process", "node processes")
        console.print(f"starting {told} on {plan.network.name} ({plan.told()}) in {directory}")
        start(range(1))
        console.print(f"node0 is reached at {nodes[0].join_address}")
        start(range(1, plan.guides))
        start(range(plan.guides, len(plan.roles)))
        yield nodes
    finally:
        stop_all(nodes, console)


def stop_all(nodes: Sequence[LabNode], console: Console) -> None:
    """In order; says which had to be killed."""
    for node in nodes:
        node.stop()
    killed = [node.name for node in nodes if not node.wait_stopped()]
    if killed:
        console.print(f"killed, since they did not stop in time: {', '.join(killed)}")


def _pay_across(nodes: list[LabNode], network: Network, console: Console) -> LabResult:
    started = time.monotonic()
    payer, payee, miner = nodes[0], nodes[1 % len(nodes)], nodes[-1]
    wait_until("the nodes are connected", nodes, lambda: all(_peers(node) >= min(1, len(nodes) - 1) for node in nodes))
    addresses: list[Json] = []
    for node in nodes:
        if not as_array(node.call("listwallets")):
            node.call("createwallet", "default")
        addresses.append(node.call("getnewaddress", "lab"))
    blocks = network.coinbase_maturity + 1
    console.print(f"{payer.name} mines {blocks} blocks until its first coins are spendable")
    payer.call("generatetoaddress", blocks, addresses[0])
    wait_until("all nodes have the same tip", nodes, lambda: _agree(nodes))

    payment = str(payer.call("sendtoaddress", addresses[1 % len(nodes)], PAYMENT))
    console.print(f"{payer.name} pays {PAYMENT} to {payee.name}: transaction {payment}")
    wait_until("the payment is in every mempool", nodes, lambda: all(payment in _mempool(node) for node in nodes))
    block = str(as_array(miner.call("generatetoaddress", 1, addresses[-1]))[0])
    console.print(f"{miner.name} mines it in block {block}")
    wait_until("the block is the tip everywhere", nodes, lambda: all(_tip(node) == block for node in nodes))
    for node in nodes:
        if payment not in _transactions(node, block):
            raise LabError(f"{node.name} has block {block} without the payment")
    rows = tuple(read_row(node) for node in nodes)
    return LabResult(rows, payment, block, PAYMENT, time.monotonic() - started)


def _watch(nodes: list[LabNode], console: Console) -> None:
    """A live table, with a block every few seconds from each node in turn, until Ctrl-C."""
    started = time.monotonic()
    mined = 0
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            rows = [read_row(node) for node in nodes]
            live.update(
                render(
                    rows, f"lab of {counted(len(nodes), 'node')}, {time.monotonic() - started:.0f} s; Ctrl-C ends it"
                )
            )
            if time.monotonic() - started >= (mined + 1) * _MINE_EVERY_SECONDS:
                node = nodes[mined % len(nodes)]
                mined += 1
                if node.is_running:
                    node.call("generatetoaddress", 1, node.call("getnewaddress", "lab"))
            time.sleep(_REFRESH_SECONDS)


def wait_until(what: str, nodes: Sequence[LabNode], condition: Callable[[], bool]) -> None:
    """Raises LabError where it does not come, or a node died."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        for node in nodes:
            if not node.is_running:
                raise node.failure("died")
        if time.monotonic() > end:
            raise LabError(f"not within {_PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(_POLL_SECONDS)


def _agree(nodes: list[LabNode]) -> bool:
    return len({_tip(node) for node in nodes}) == 1


def _tip(node: LabNode) -> str:
    return str(node.call("getbestblockhash"))


def _peers(node: LabNode) -> int:
    return int(str(node.call("getconnectioncount")))


def _mempool(node: LabNode) -> set[str]:
    return {str(txid) for txid in as_array(node.call("getrawmempool"))}


def _transactions(node: LabNode, block: str) -> set[str]:
    found = node.call("getblock", block, 1)
    if not isinstance(found, dict):
        raise node.failure("answered something unexpected")
    return {str(txid) for txid in as_array(found["tx"])}


def _title(result: LabResult) -> str:
    return (
        f"payment {result.payment[:16]}.. of {result.amount} confirmed in block {result.block[:16]}.. "
        f"on all {counted(len(result.nodes), 'node')}"
    )
