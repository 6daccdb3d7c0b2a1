"""Banks as processes, and payments that flow among them all the while."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from coincurve import PrivateKey
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

from minicoin.app.consortium.founding import Terms, make_network
from minicoin.app.consortium.lab import LabBank, make_lab
from minicoin.app.networks import write_network
from minicoin.app.signing_key import load_signing_key
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import COIN_SAT

from .forked import ForkedNode
from .processes import minicoin

_FINAL_MS = round(HANG_S * 1_000)


class Bank:
    """One bank's node, started as often as a test likes, always at one port."""

    def __init__(self, lab: LabBank, network: Path) -> None:
        self.name = lab.request.bank
        self.member = lab.request.key.hex()
        self.peer_id = str(lab.request.node)
        self.datadir = lab.datadir
        self.pay_to = ""
        self.network = str(network)
        (port,) = free_ports(1)
        self.address = join_address(NodeAddress("127.0.0.1", port, lab.request.node.multihash))
        """Where others dial it."""
        self.words = ["--network", self.network, "-l", str(port), "--rpcport", "0"]
        """That each of its starts has."""
        self._mnemonic = lab.words
        self._node: ForkedNode | None = None

    def __repr__(self) -> str:
        return f"{self.name} {self._node}"

    @property
    def node(self) -> ForkedNode:
        """The latest process."""
        assert self._node is not None, self.name
        return self._node

    @property
    def is_up(self) -> bool:
        """It was started, and neither killed nor stopped since."""
        return self._node is not None

    @property
    def key(self) -> PrivateKey:
        """The secret that its blocks are signed with: the laboratory's lie open."""
        key = load_signing_key(self.datadir)
        assert key is not None
        return key

    def start(self, *more: str) -> None:
        """It is up when wait_up returns."""
        self._node = ForkedNode([*self.words, *more], self.datadir, self.datadir.with_suffix(".log"))

    def wait_up(self) -> None:
        """And has its wallet."""
        self.node.wait_up()
        if not self.pay_to:
            self.call("createwallet", "", False, False, "", self._mnemonic)
            self.pay_to = str(self.call("getnewaddress"))

    def kill(self) -> None:
        """As kill -9 does."""
        self.node.kill()
        self._node = None

    def stop(self) -> None:
        """As Ctrl-C does, which it must take in order."""
        assert self.node.stop() == 0, self
        self._node = None

    def cli(self, line: str) -> str:
        """What `minicoin LINE` prints for this bank."""
        return minicoin(f"{line} --datadir {self.datadir}", self.network)

    def forget_addresses(self) -> None:
        """The book is lost: what was kept of the registry is all that is left."""
        (self.datadir / "state" / "peers").unlink(missing_ok=True)

    def call(self, method: str, *params: object):
        return self.node.call(method, *params)

    @property
    def height(self) -> int:
        return int(self.call("getblockcount"))

    @property
    def peers(self) -> set[str]:
        """Peer ids, of finished handshakes."""
        return {peer["peerid"] for peer in self.call("getpeerinfo") if peer["version"]}

    @property
    def registry(self) -> dict:
        return self.call("getnetworkinfo")["registry"]

    @property
    def admission(self) -> dict:
        return self.call("getadmission")

    def pay(self, payee: "Bank") -> str:
        """Half a coin; the payment's id."""
        return str(self.call("sendtoaddress", payee.pay_to, "0.5"))

    def wait_final(self, payment: str) -> int:
        """At which height it is."""
        return int(self.call("waitforfinal", payment, _FINAL_MS)["height"])

    @property
    def warnings(self) -> str:
        return "\n".join(self.call("getnetworkinfo")["warnings"])


def wait_all_met(banks: Sequence[Bank]) -> None:
    """Until each is connected to each of the others, and to nobody else."""
    everybody = {bank.peer_id for bank in banks}
    for bank in banks:
        wait_until(lambda bank=bank: bank.peers == everybody - {bank.peer_id}, f"all peers of {bank}")


class Watch:
    """Looks from outside at what was promised."""

    def __init__(self) -> None:
        self._blocks: dict[int, str] = {}

    def check(self, up: Sequence[Bank]) -> None:
        """What was final stays the same block at all, and nobody has evidence against anybody."""
        for bank in up:
            for height in range(1, bank.height + 1):
                block = bank.call("getblockhash", height)
                assert self._blocks.setdefault(height, block) == block
            assert bank.call("getconsensusinfo")["evidence"] == 0, bank


class Load:
    """Each bank pays the next in turn, and each payment is final before the next one begins."""

    def __init__(self, banks: Sequence[Bank]) -> None:
        self.final = 0
        self._payers = list(banks)
        self._wanted: list[Bank] | None = None
        self._told = threading.Event()
        """Something was said to it."""
        self._is_over = False
        self._failure: AssertionError | OSError | HTTPException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def only(self, banks: Sequence[Bank]) -> None:
        """From now on these, or nobody: whoever else is in the middle of a payment has ended it when this returns."""
        self._wanted = list(banks)
        self._told.set()
        wait_until(lambda: self._failure or self._wanted is None, "the end of a payment")
        self.check()

    def wait_more(self, count: int) -> None:
        """Until so many more payments are final."""
        wanted = self.final + count
        wait_until(lambda: self._failure or self.final >= wanted, f"{count} more payments")
        self.check()

    def check(self) -> None:
        """That none was lost so far."""
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        self._is_over = True
        self._told.set()
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        try:
            while not self._is_over:
                self._told.clear()
                if self._wanted is not None:
                    self._payers, self._wanted = self._wanted, None
                if not self._payers:
                    self._told.wait()
                    continue
                payer, payee = (self._payers[(turn + more) % len(self._payers)] for more in (0, 1))
                payer.wait_final(payer.pay(payee))
                turn += 1
                self.final += 1
        except (AssertionError, OSError, HTTPException) as failure:
            self._failure = failure


class Consortium:
    """Banks of one network, all made by the laboratory, of which the first `founders` sign from the beginning."""

    def __init__(
        self, directory: Path, words: Sequence[str] | None, founders: int, count: int, *, is_open: bool = False
    ) -> None:
        """Each is started with these words; where there are none, with those that tell it of all others."""
        self.directory = directory
        labs = make_lab("banks", directory, count)
        requests = [lab.request for lab in labs[:founders]]
        terms = Terms("banks", "banks", 1_700_000_000, 1, 3_600, is_open=is_open, is_private=True)
        self.network = make_network(terms, requests, tuple((lab.request.pay_to, 100 * COIN_SAT) for lab in labs))
        self.file = directory / "banks.toml"
        write_network(self.network, self.file)
        self.all = [Bank(lab, self.file) for lab in labs]
        for bank in self.all:
            bank.words += self.dials(bank) if words is None else words
        self.banks = self.all[:founders]
        """Those that belong to it at present."""

    @property
    def up(self) -> list[Bank]:
        """Those that run."""
        return [bank for bank in self.all if bank.is_up]

    def dials(self, but: Bank | None = None) -> list[str]:
        """The words that tell a node of all banks but this one, where no registry does."""
        return [word for bank in self.all if bank is not but for word in ("-d", bank.address)]

    def start(self) -> None:
        for bank in self.banks:
            bank.start()
        for bank in self.banks:
            bank.wait_up()
        for bank in self.banks:
            wait_until(lambda bank=bank: float(bank.call("getbalance")) > 0, f"block 1 pays {bank}")

    def admit(self, rows: Sequence[dict], expelled: Sequence[str] = ()) -> int:
        """As many banks as a quorum takes sign the next version, each at its own node; which it is."""
        first, *others = self.banks
        signed = first.call("proposeadmission", list(rows), list(expelled))
        version = signed["version"]
        for bank in others[: signed["missing"]]:
            wait_until(lambda bank=bank: bank.admission["drafts"], f"the draft at {bank}")
            bank.call("approveadmission", version)
        return version

    def change(self, added: dict[str, str], removed: Sequence[str], load: Load) -> int:
        """The same of the member list; from which height it holds. Nobody pays meanwhile: that height must be ahead
        when the last one signs, however long that takes."""
        load.only([])
        first, *others = self.banks
        drafted = first.call("proposemembers", added, list(removed), first.height + 12)
        for bank in others[: drafted["missing"]]:
            wait_until(lambda bank=bank: bank.call("listmembers")["drafts"], f"the draft at {bank}")
            bank.call("approvemembers", drafted["hash"][:12])
        load.only(self.banks)
        return drafted["from_height"]

    def members(self, bank: Bank) -> list[str]:
        """Who signs the next block, as one bank knows it."""
        return sorted(row["name"] for row in bank.call("listmembers")["members"])

    def check_agreed(self) -> None:
        """All have the same blocks, as far as the lowest has any."""
        height = min(bank.height for bank in self.banks)
        assert len({bank.call("getblockhash", height) for bank in self.banks}) == 1


@contextmanager
def running(banks: Consortium) -> Iterator[None]:
    """Its founders are up; whoever runs at the end must end in order."""
    try:
        banks.start()
        yield
    finally:
        for bank in banks.up:
            bank.node.end()
        codes = {bank.name: bank.node.wait() for bank in banks.up}
    assert not any(codes.values()), codes


@contextmanager
def consortium(directory: Path, words: Sequence[str], founders: int, count: int) -> Iterator[tuple[Consortium, Load]]:
    """They run, and the founders pay each other."""
    made = Consortium(directory, words, founders, count)
    load: Load | None = None
    try:
        with running(made):
            load = Load(made.banks)
            yield made, load
            load.end()
            load.check()
    finally:
        # Where a test failed its nodes have ended before, so that no payment is waited for.
        if load is not None:
            load.end()
