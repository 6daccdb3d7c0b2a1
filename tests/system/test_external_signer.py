"""A signer in a process of its own: one bank's node signs through it, and either is killed, hung and started again.

A network of one bank makes a block a second by itself, so that each kill comes in the middle of something. That no key
signs twice is looked at from outside, by asking the signer as a node that lies would.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.no_files import no_file_left
from tests.ports import free_ports
from tests.soak import times
from tests.waiting import HANG_S, wait_until

from minicoin.app.networks import find_network
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.effects import SignGreeting, SignVote
from minicoin.core.events import GreetingSigned, VoteSigned
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.votes import NIL, Vote, VoteKind
from minicoin.core.units import ConnId
from minicoin.drivers.signer import link as link_module
from minicoin.drivers.signer.link import SignerLink
from minicoin.drivers.signer.place import listen_at, read_place
from minicoin.drivers.signer.protocol import KeysHeld, encode_frame

from .forked import ForkedNode, started
from .processes import PROGRAMS, environment, minicoin

PASSPHRASE = "quite a long one"


class SignerProcess:
    """A running `minicoin signer`."""

    def __init__(self, network: str, directory: Path, *options: str, key: str = "signing.key") -> None:
        self.log_path = directory / "signer.log"
        self.socket = directory / "socket"
        words = [PROGRAMS / "minicoin", "signer", "--signing-key", directory / key, "--listen", self.socket]
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [*map(str, words), *options],
                env=environment(network) | {"MINICOIN_SIGNING_PASSPHRASE": PASSPHRASE},
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_until(lambda: self._process.poll() is not None or self._is_there(), "the signer listens")
        assert self._process.poll() is None, self.log

    def _is_there(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait(HANG_S)


class OneBank:
    """Its node's directory, and the signer's with the key."""

    def __init__(self, directory: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MINICOIN_SIGNING_PASSPHRASE", PASSPHRASE)
            request = f"--datadir {directory}/node --out {directory}/solo.request.toml"
            minicoin(f"consortium request solo --bank Solo {request}", "regtest")
        self.network = str(directory / "solo.toml")
        found = f"--from {directory} --private --empty-after 1 --yes --out {self.network}"
        minicoin(f"consortium new solo {found}", "regtest")
        self.datadir = directory / "node"
        self.keys = directory / "signer"
        # As docs/upkeep.md says.
        self.keys.mkdir(mode=0o700)
        shutil.copy(self.datadir / "state/sign-state", self.keys / "signing.floor")
        (self.datadir / "signing.key").rename(self.keys / "signing.key")
        self.ports = free_ports(2)
        self.signer = SignerProcess(self.network, self.keys)
        self.node = self.start_node()

    def start_node(self) -> ForkedNode:
        listen, rpc = self.ports
        line = f"minicoin startnode --datadir {self.datadir} --listen {listen} --rpcport {rpc}"
        return started(f"{line} --signer unix:{self.keys}/socket", self.network, self.datadir / "node.log")

    @property
    def height(self) -> int:
        return self.node.call("getblockcount")

    @property
    def abstains_because(self) -> str:
        return self.node.call("getconsensusinfo")["abstains"] or ""

    def wait_block(self) -> None:
        height = self.height
        wait_until(lambda: self.height > height, "a block")

    def stop(self) -> None:
        self.signer.send_signal(signal.SIGCONT)
        self.node.stop()
        self.signer.end(signal.SIGTERM)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[OneBank]:
    made = OneBank(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def test_the_node_goes_on_with_its_signer_and_follows_without(bank: OneBank) -> None:
    bank.wait_block()

    # The signer hangs: the node answers, says so, and goes on when it is back.
    bank.signer.send_signal(signal.SIGSTOP)
    wait_until(lambda: "did not answer within 2 s" in bank.abstains_because, "the hang is said")
    assert any("signs nothing" in warning for warning in bank.node.call("getblockchaininfo")["warnings"])
    bank.signer.send_signal(signal.SIGCONT)
    bank.wait_block()
    wait_until(lambda: bank.abstains_because == "", "it signs again")

    # The signer is killed, and started on what its disk has, many times.
    chance = random.Random(os.environ.get("MINICOIN_SEED", "signer"))
    for _ in range(times(1)):
        bank.signer.end(signal.SIGKILL)
        wait_until(lambda: "nobody listens" in bank.abstains_because or "is gone" in bank.abstains_because, "missed")
        height = bank.height
        bank.signer = SignerProcess(bank.network, bank.keys)
        wait_until(lambda height=height: bank.height > height + chance.randrange(2), "it goes on")
    assert "signer-lost" in bank.node.log

    the_key_is_rolled(bank)

    # The node is killed, and starts while the signer is away.
    bank.node.kill()
    assert bank.signer.end(signal.SIGTERM) == 0
    assert not bank.signer.socket.exists()
    bank.node = bank.start_node()
    assert "until the signer is there this node signs nothing" in bank.node.log
    height = bank.height
    # The old key is destroyed, at the signer and in what the node knows of it.
    signed = SignState.decode((bank.keys / "signing.floor").read_bytes())
    for directory in (bank.keys, bank.datadir):
        minicoin(f"consortium retirekey {signed.member.hex()} --yes --datadir {directory}", bank.network)
    bank.signer = SignerProcess(bank.network, bank.keys, key="signing-2.key")
    wait_until(lambda: bank.height > height, "it goes on")

    # A node that lies, one from a backup, or a second one: whatever is asked beside, each slot has one vote.
    network = find_network(bank.network)
    link = SignerLink(bank.keys / "socket", network.network_id, b"other node")
    assert link.find() == ""
    (member,) = link.members
    signed = SignState.decode((bank.keys / "signing-2.floor").read_bytes())
    assert member == signed.member
    past = Vote(VoteKind.PRECOMMIT, signed.height - 1, 0, NIL, NIL)
    answer = link.answer(SignVote(member, past))
    assert isinstance(answer, VoteSigned) and answer.signed is None
    assert "up to which the key may have signed" in answer.reason
    far = Vote(VoteKind.PREVOTE, 1_000_000, 0, BlockHash(b"b" * 32), network.genesis.hash)
    first = link.answer(SignVote(member, far))
    assert isinstance(first, VoteSigned) and first.signed is not None
    second = link.answer(SignVote(member, Vote(VoteKind.PREVOTE, 1_000_000, 0, NIL, NIL)))
    assert isinstance(second, VoteSigned) and second.signed is None
    # Nor does the bank's own node get one below it: whoever reaches the socket can silence the key, and no more.
    wait_until(lambda: "the signer refuses" in bank.abstains_because, "it is said at the node")
    link.close()


def the_key_is_rolled(bank: OneBank) -> None:
    """By the commands of docs/upkeep.md; the node runs all the while."""
    keys, datadir, rpc = bank.keys, bank.datadir, bank.ports[1]
    (old,) = [row["key"] for row in bank.node.call("listmembers")["members"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINICOIN_SIGNING_PASSPHRASE", PASSPHRASE)
        new = minicoin(f"consortium newkey --datadir {keys}", bank.network).strip()
    shutil.copy(keys / "state/sign-state-2", keys / "signing-2.floor")
    shutil.copy(keys / "state/sign-state-2", datadir / "state")
    assert bank.signer.end(signal.SIGTERM) == 0
    both = ("--signing-key", str(keys / "signing-2.key"))
    bank.signer = SignerProcess(bank.network, keys, *both)
    node = f"--datadir {datadir} --rpcport {rpc}"
    before = bank.height
    assert new in minicoin(f"members loadkey --no-passphrase {node}", bank.network)
    # Blocks come while a command runs: ahead of the next one are several times as many as came during this one.
    height = bank.height + 4 + 3 * (bank.height - before)
    minicoin(f"members roll Solo {new} --from-height {height} {node}", bank.network)
    wait_until(lambda: bank.height > height + 1, "the new key signs")
    assert [row["key"] for row in bank.node.call("listmembers")["members"]] == [new] != [old]
    assert SignState.decode((keys / "signing.floor").read_bytes()).height == height - 1
    assert SignState.decode((keys / "signing-2.floor").read_bytes()).height > height


def test_who_may_not_is_told_why(tmp_path: Path) -> None:
    open_directory = tmp_path / "open"
    open_directory.mkdir(mode=0o755)
    with pytest.raises(MisuseError, match=r"is open to other users: close it to them \(chmod go="):
        listen_at(open_directory / "socket")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(MisuseError, match="too long for a socket"):
        read_place(f"unix:{closed}/{'x' * 120}")
    with pytest.raises(MisuseError, match="expected unix:PATH"):
        read_place("tcp:127.0.0.1:1")
    path = closed / "socket"
    link = SignerLink(path, b"n" * 32, b"peer")
    assert "nobody listens" in link.find()
    with listen_at(path):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(MisuseError, match="another signer listens there"):
            listen_at(path)
        path.chmod(0o660)
        assert "open to other users" in SignerLink(path, b"n" * 32, b"peer").find()
    # Left behind by a process that was killed.
    with listen_at(path):
        pass
    path.unlink()
    path.write_text("no socket")
    assert "is no socket" in SignerLink(path, b"n" * 32, b"peer").find()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"\xff\xff\xff\xff", "cannot be understood"),
        (b"\x01\0\0\0\x09", "cannot be understood"),
        (b"", "closed the connection"),
        (KeysHeld, "for another network"),
    ],
)
def test_what_is_no_signer_is_not_asked(tmp_path: Path, said: bytes | type[KeysHeld], expected: str) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "socket"
    octets = said if isinstance(said, bytes) else encode_frame(KeysHeld(b"m" * 32, (b"k" * 32,)))
    with listen_at(path) as listener:

        def speak() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(octets)

        speaker = threading.Thread(target=speak)
        speaker.start()
        link = SignerLink(path, b"n" * 32, b"peer")
        assert expected in link.find()
        assert expected in refused(link)
        speaker.join()


def refused(link: SignerLink) -> str:
    """Why it signs nothing."""
    answer = link.answer(SignGreeting(b"k" * 32, ConnId(1), b"peer"))
    assert isinstance(answer, GreetingSigned) and answer.signature is None
    return answer.reason


def test_one_that_is_gone_is_tried_each_time_and_one_that_hangs_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "_ANSWER_S", 0.1)
    monkeypatch.setattr(link_module, "_PAUSE_S", 3_600.0)
    tmp_path.chmod(0o700)
    path = tmp_path / "socket"
    link = SignerLink(path, b"n" * 32, b"peer")
    assert "nobody listens" in link.find() and "nobody listens" in refused(link)
    with listen_at(path) as listener:
        # It is asked as soon as it is there, and says nothing.
        for _ in range(2):
            assert "did not answer within 0.1 s" in refused(link)
        listener.setblocking(False)
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_process_with_no_file_left_is_refused_a_signature_and_lives(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with listen_at(tmp_path / "socket"):
        link = SignerLink(tmp_path / "socket", b"n" * 32, b"peer")
        with no_file_left():
            reason = refused(link)
        assert reason.endswith("cannot be asked: Too many open files")
