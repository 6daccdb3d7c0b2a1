"""`minicoin lab up N --consortium`: banks that sign blocks together, each a process; each pays each, and all is final.

What is shown comes from the chain itself: block h + 1 carries the certificate of block h, so everybody can tell who
signed which block. The last block's certificate is in no block yet.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from minicoin.app.client import NoNode, RpcFailure, as_object
from minicoin.app.consortium.founding import Terms, make_network
from minicoin.app.consortium.lab import COINS_EACH, LabBank, make_lab
from minicoin.app.lab.process import LabError, LabNode
from minicoin.app.lab.up import lab_directory, stop_all, wait_until
from minicoin.app.networks import write_network
from minicoin.app.show import counted, tolerated
from minicoin.core.chain.coinbase_tags import read_tags
from minicoin.core.params.models import ANY_ROLE
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import Block
from minicoin.core.units import COIN_SAT

BANKS_MIN: Final = 2
PAYMENT: Final = Decimal("1.5")
_NETWORK: Final = "lab"
_FINAL_MS: Final = 60_000
_REFRESH_SECONDS: Final = 0.5
_PAY_EVERY_SECONDS: Final = 3.0
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class BankRow:
    """One bank at one moment."""

    bank: str
    height: int
    finalized: int
    signed: int
    peers: int
    balance: str
    is_up: bool = True


@dataclass(frozen=True, slots=True)
class ConsortiumResult:
    """What `--once` showed."""

    banks: tuple[BankRow, ...]
    payments: int
    """Each of them final on all nodes."""
    certificates: int
    """Read from the chain: `signed` of each bank is a part of so many."""
    seconds: float


@dataclass(slots=True)
class _Lab:
    """The banks with their processes, and who signed which block as far as it was read."""

    network: Network
    banks: tuple[LabBank, ...]
    nodes: list[LabNode]
    read_height: int = 1
    signed: dict[bytes, int] = field(default_factory=dict)

    @property
    def certificates(self) -> int:
        return self.read_height - 1

    def pay(self, payer: int, payee: int) -> str:
        """The transaction."""
        address = self.nodes[payee].call("getnewaddress", "lab")
        return str(self.nodes[payer].call("sendtoaddress", address, PAYMENT))

    def read_signers(self) -> None:
        """Of the blocks that came since the last time."""
        proof = self.network.proof
        assert isinstance(proof, SignersKind)
        node = next(node for node in self.nodes if node.is_running)
        top = int(str(node.call("getblockcount")))
        while self.read_height < top:
            raw = node.call("getblock", node.call("getblockhash", self.read_height + 1), 0)
            certificate = read_tags(Block.parse(bytes.fromhex(str(raw))).transactions[0]).certificate
            if certificate is None:
                raise LabError(f"block {self.read_height + 1} carries no certificate")
            # Nobody joins or leaves in this lab: the founding list signs all along.
            for key in certificate.signers(proof.founding_list):
                self.signed[key] = self.signed.get(key, 0) + 1
            self.read_height += 1

    def rows(self) -> tuple[BankRow, ...]:
        self.read_signers()
        return tuple(self._row(bank, node) for bank, node in zip(self.banks, self.nodes, strict=True))

    def _row(self, bank: LabBank, node: LabNode) -> BankRow:
        signed = self.signed.get(bank.request.key, 0)
        try:
            chain = as_object(node.call("getblockchaininfo"))
            peers = int(str(node.call("getconnectioncount")))
            balances = as_object(as_object(node.call("getbalances"))["mine"])
        except (NoNode, RpcFailure):
            return BankRow(bank.request.bank, 0, 0, signed, 0, "", is_up=False)
        finalized = int(str(as_object(chain["finalized"])["height"]))
        balance = f"{Decimal(str(balances['trusted'])):f}"
        return BankRow(bank.request.bank, int(str(chain["blocks"])), finalized, signed, peers, balance)


def consortium_up(
    count: int,
    *,
    once: bool,
    datadir: Path | None = None,
    console: Console | None = None,
    on_result: Callable[[ConsortiumResult], None] | None = None,
) -> int:
    """Run the lab; the exit code. Raises MisuseError, NoNode, RpcFailure; the nodes are stopped whatever happens.

    Without `datadir` the banks live in a temporary directory that is removed at the end.
    """
    console = console or Console(soft_wrap=True)
    with lab_directory(datadir, console) as directory, _running(count, directory, console) as lab:
        result = _pay_around(lab, console)
        if on_result is not None:
            on_result(result)
        console.print(render(result.banks, result.certificates, _title(result)))
        if not once:
            _watch(lab, console)
    return 0


@contextmanager
def _running(count: int, directory: Path, console: Console) -> Iterator[_Lab]:
    banks = make_lab(_NETWORK, directory, count)
    requests = [bank.request for bank in banks]
    allocation = tuple((request.pay_to, COINS_EACH * COIN_SAT) for request in requests)
    day = int(time.time()) // _DAY_S * _DAY_S
    terms = Terms(_NETWORK, _NETWORK, day, 1, 60, is_open=False, is_private=True)
    network = make_network(terms, requests, allocation)
    path = directory / f"{_NETWORK}.toml"
    write_network(network, path)
    proof = network.proof
    assert isinstance(proof, SignersKind)
    members = proof.founding_list
    console.print(
        f"starting {counted(count, 'bank')} in {directory}; a block takes {members.quorum} of them, "
        f"{tolerated(count, members.quorum, members.faults)}"
    )
    nodes: list[LabNode] = []
    try:
        for bank in banks:
            dials = tuple(node.join_address for node in nodes)
            nodes.append(LabNode(bank.datadir.name, str(path), directory, ANY_ROLE, dials))
            nodes[-1].wait_up()
        yield _Lab(network, banks, nodes)
    finally:
        stop_all(nodes, console)


def _pay_around(lab: _Lab, console: Console) -> ConsortiumResult:
    started = time.monotonic()
    nodes = lab.nodes
    for bank, node in zip(lab.banks, nodes, strict=True):
        node.call_named("createwallet", wallet_name="default", mnemonic=bank.words)
    wait_until(
        f"block 1 has paid {COINS_EACH} to each bank",
        nodes,
        lambda: all(_trusted(node) >= COINS_EACH for node in nodes),
    )
    console.print(f"block 1 paid {COINS_EACH} to each bank; now each pays {PAYMENT} to each")
    pairs = list(permutations(range(len(nodes)), 2))
    payments = [(payer, lab.pay(payer, payee)) for payer, payee in pairs]
    heights = [_final_height(nodes[payer], txid) for payer, txid in payments]
    wait_until("every bank has them final", nodes, lambda: all(_finalized(node) >= max(heights) for node in nodes))
    return ConsortiumResult(lab.rows(), len(payments), lab.certificates, time.monotonic() - started)


def _watch(lab: _Lab, console: Console) -> None:
    """A live table, with a payment every few seconds, until Ctrl-C."""
    started, paid = time.monotonic(), 0
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            seconds = time.monotonic() - started
            title = f"consortium of {counted(len(lab.nodes), 'bank')}, {seconds:.0f} s; Ctrl-C ends it"
            live.update(render(lab.rows(), lab.certificates, title))
            if seconds >= (paid + 1) * _PAY_EVERY_SECONDS:
                payer, payee = paid % len(lab.nodes), (paid + 1) % len(lab.nodes)
                paid += 1
                if lab.nodes[payer].is_running and lab.nodes[payee].is_running:
                    lab.pay(payer, payee)
            time.sleep(_REFRESH_SECONDS)


def render(rows: Sequence[BankRow], certificates: int, title: str) -> Table:
    """As rich shows it."""
    table = Table(title=title, title_justify="left")
    for column in ("bank", "height", "finalized", "signed", "peers", "balance"):
        table.add_column(column, justify="left" if column == "bank" else "right")
    for row in rows:
        signed = f"{row.signed} of {certificates}"
        if row.is_up:
            table.add_row(row.bank, str(row.height), str(row.finalized), signed, str(row.peers), row.balance)
        else:
            table.add_row(row.bank, "down", "", signed, "", "")
    return table


def _final_height(node: LabNode, txid: str) -> int:
    return int(str(as_object(node.call("waitforfinal", txid, _FINAL_MS))["height"]))


def _finalized(node: LabNode) -> int:
    return int(str(as_object(as_object(node.call("getblockchaininfo"))["finalized"])["height"]))


def _trusted(node: LabNode) -> Decimal:
    return Decimal(str(as_object(as_object(node.call("getbalances"))["mine"])["trusted"]))


def _title(result: ConsortiumResult) -> str:
    return f"{counted(result.payments, 'payment')}, each bank to each, final on all in {result.seconds:.1f} s"
