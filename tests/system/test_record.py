"""Recorded node processes: what they handled is replayed in another process to the same state, after a stop and after
kill -9, and no secret of the data directory is in the file."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from tests.waiting import COMPUTE_HANG_S, wait_until

from minicoin.app.build import NodeSetup, RecordSetup
from minicoin.app.identity import IDENTITY_FILE, read_identity
from minicoin.core.commands import Generate, PingPeers
from minicoin.core.node.peer_flow import PeerFlow
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.recording.reader import RecordingReader
from minicoin.core.recording.replay import replay as replay_here
from minicoin.core.wallet.keys import Chain, KeyPath, SigningKey, entropy_from_mnemonic
from minicoin.rpc.errors import METHOD_NOT_FOUND

from .forked import ForkedNode, refusal, running, started
from .node_under_test import running_setup
from .processes import PROGRAMS, environment

NETWORK = "regtest"
NOBODY = "mcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq3g26ws"


@dataclass
class Replayed:
    """What `minicoin sim replay` said."""

    code: int
    report: dict


def replay(file: Path, hash_seed: str) -> Replayed:
    """In a process of its own."""
    done = subprocess.run(
        [str(PROGRAMS / "minicoin"), "sim", "replay", str(file), "--json"],
        env=environment(NETWORK) | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=COMPUTE_HANG_S,
        check=False,
    )
    assert not done.stderr, done.stderr
    return Replayed(done.returncode, json.loads(done.stdout))


def line(directory: Path, *options: str) -> str:
    """A node with its data in `directory`."""
    return f"minicoin startnode --datadir {directory} -l 0 --rpcport 0 {' '.join(options)}"


def sync(*nodes: ForkedNode) -> None:
    """Until all have the same tip."""
    wait_until(lambda: len({node.call("getbestblockhash") for node in nodes}) == 1, "the nodes agree")


def signed_payment(wallet: ForkedNode, address: str) -> str:
    """A payment that the wallet signs and does not send."""
    coin = wallet.call("listunspent")[0]
    amount = round(float(coin["amount"]) - 0.001, 8)
    raw = wallet.call("createrawtransaction", [{"txid": coin["txid"], "vout": coin["vout"]}], [{address: amount}])
    done = wallet.call("signrawtransactionwithwallet", raw)
    assert done["complete"]
    return done["hex"]


QUESTIONS = (
    ("getblockchaininfo",),
    ("getchaintips",),
    ("getdeploymentinfo",),
    ("gettxoutsetinfo",),
    ("getmempoolinfo",),
    ("getrawmempool", True),
    ("estimatesmartfee", 6),
    ("getnetworkinfo",),
    ("getpeerinfo",),
    ("getnodeaddresses", 0),
    ("getaddednodeinfo",),
    ("listbanned",),
    ("getmininginfo",),
    ("getnetworkhashps",),
    ("getblocktemplate", {"rules": ["segwit"]}),
    ("listdata",),
)


def ask_everything(node: ForkedNode) -> None:
    """Questions are no events: a replay knows nothing of them."""
    for method, *params in QUESTIONS:
        node.call(method, *params)


def assert_equal(file: Path) -> dict:
    """Two replays with different hash seeds agree with the recording, and with each other."""
    first, second = replay(file, "0"), replay(file, "123")
    assert first.code == second.code == 0, first.report
    assert first.report == second.report
    assert first.report["is_equal"]
    return first.report


def test_a_recorded_session_is_replayed_to_the_same_state(tmp_path: Path) -> None:
    directory = tmp_path / "recorded"
    stopped, killed = tmp_path / "stopped.rec", tmp_path / "killed.rec"
    with running(line(tmp_path / "wallet"), NETWORK, tmp_path / "wallet.log") as wallet:
        wallet.call("createwallet", "default")
        address = str(wallet.call("getnewaddress"))
        wallet.call("generatetoaddress", 110, address)

        options = ("-d", wallet.address, "--record", str(stopped))
        with running(line(directory, *options), NETWORK, tmp_path / "recorded.log") as recorded:
            sync(wallet, recorded)
            served = line(tmp_path / "served", "-d", recorded.address)
            with running(served, NETWORK, tmp_path / "served.log") as other:
                sync(recorded, other)
                ask_everything(recorded)
                sent = recorded.call("sendrawtransaction", signed_payment(wallet, address))
                # Before the wallet chooses coins for its own: it might take the same one.
                wait_until(lambda: wallet.call("getrawmempool") == [sent], "the payment reaches its sender")
                relayed = wallet.call("sendtoaddress", address, 1.5)
                wait_until(lambda: set(recorded.call("getrawmempool")) == {sent, relayed}, "both payments")
                ask_everything(recorded)
                recorded.call("generatetoaddress", 3, address)
                sync(wallet, recorded, other)
            pending = wallet.call("sendtoaddress", address, 0.25)
            wait_until(lambda: recorded.call("getrawmempool") == [pending], "a payment that waits")
            tip = recorded.call("getbestblockhash")
        report = assert_equal(stopped)
        assert (report["height"], report["tip"], report["mempool"]) == (113, tip, 1)
        assert report["end"] == "the node stopped"
        assert report["events"] > 100

        # The same data directory again: the recording begins with all that it holds.
        recorded = started(
            line(directory, "-d", wallet.address, "--record", str(killed)), NETWORK, tmp_path / "killed.log"
        )
        wait_until(lambda: recorded.call("getrawmempool") == [pending], "the mempool is read back")
        recorded.call("generatetoaddress", 2, NOBODY)
        sync(wallet, recorded)
        tip = recorded.call("getbestblockhash")
        recorded.kill()
    report = assert_equal(killed)
    assert (report["height"], report["tip"], report["end"]) == (115, tip, None)


def test_a_recording_holds_no_secret_of_its_data_directory(tmp_path: Path) -> None:
    directory, file = tmp_path / "node", tmp_path / "node.rec"
    passphrase, second = "correct horse battery staple", "wrong donkey charger"
    with running(line(directory), NETWORK, tmp_path / "before.log") as node:
        words = str(node.call("createwallet", "default", False, False, passphrase)["mnemonic"])
        address = str(node.call("getnewaddress"))
        node.call("generatetoaddress", 3, address)
    document = directory / "state" / "wallet"
    before = (document.read_bytes(), document.stat().st_mtime_ns)

    with running(line(directory, "--record", str(file)), NETWORK, tmp_path / "recorded.log") as node:
        assert any("the wallet is off" in said for said in node.greeting)
        for method, *params in (
            ("createwallet", "second", False, False, second),
            ("createwallet", "third", False, False, "", words),
            ("walletpassphrase", passphrase, 60),
            ("getnewaddress",),
            ("getbalance",),
            ("sendtoaddress", address, 0.1),
        ):
            with pytest.raises(AssertionError, match=str(METHOD_NOT_FOUND)):
                node.call(method, *params)
        node.call("generatetoaddress", 2, address)
        assert node.call("getblockcount") == 5
        cookie = (directory / ".cookie").read_text().strip().split(":")[1]
    assert (document.read_bytes(), document.stat().st_mtime_ns) == before

    recorded = file.read_bytes()
    entropy = entropy_from_mnemonic(words)
    key = SigningKey.from_entropy(entropy, REGTEST)
    identity = read_identity(directory / IDENTITY_FILE)
    secrets = {
        "passphrase": passphrase.encode(),
        "another passphrase": second.encode(),
        "words": words.encode(),
        "two of the words": " ".join(words.split()[:2]).encode(),
        "seed": entropy,
        "identity": identity.private_message[-64:-32],
        "cookie": cookie.encode(),
        "wallet document": before[0][:64],
    }
    secrets |= {f"key {chain} {index}": key.secret(KeyPath(chain, index)) for chain in Chain for index in range(25)}
    for name, secret in secrets.items():
        assert len(secret) >= 8, name
        for form in (secret, secret[::-1], secret.hex().encode()):
            assert form not in recorded, name
    # What is no secret is there, so the search could have found something.
    assert identity.peer_id.multihash in recorded
    report = assert_equal(file)
    assert report["height"] == 5


def test_an_old_file_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "old.rec"
    file.write_bytes(b"precious")
    said = refusal(line(tmp_path / "node", "--record", str(file)), NETWORK, tmp_path / "node.log")
    assert "old.rec exists: a recording is never written over another file" in said
    assert file.read_bytes() == b"precious"


def test_a_recording_ends_at_its_limit_and_the_node_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "short.rec"
    options = ("--record", str(file), "--record-max-mb", "1")
    with running(line(tmp_path / "node", *options), NETWORK, tmp_path / "node.log") as node:
        mined = 0
        while "the limit of 1 MB is reached" not in node.log:
            assert mined < 10_000
            node.call("generatetoaddress", 100, NOBODY)
            mined += 100
        node.call("generatetoaddress", 1, NOBODY)
        assert node.call("getblockcount") == mined + 1
    assert file.stat().st_size <= 1 << 20
    report = assert_equal(file)
    assert report["end"] == "the limit of 1 MB is reached"
    assert report["checkpoints"] > 3


def test_the_event_that_breaks_the_core_is_in_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "broken.rec"
    setup = NodeSetup(REGTEST, tmp_path / "node", NodePolicy(listens=False), record=RecordSetup(file))
    monkeypatch.setattr(PeerFlow, "ping_all", lambda self, now: 1 / 0)

    async def main() -> None:
        async with running_setup(setup) as node:
            await node.ask(Generate(2, b"\x51"))
            node.built.runtime.command_nowait(PingPeers(), lambda reply: None)
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup):
        trio.run(main)
    with file.open("rb") as stream, pytest.raises(ZeroDivisionError) as failed:
        replay_here(RecordingReader(stream.read))
    assert "(CommandReceived) of a recording" in failed.value.__notes__[0]
    monkeypatch.undo()
    with file.open("rb") as stream:
        report = replay_here(RecordingReader(stream.read))
    assert report.is_equal, "a mended core handles it"
    assert (report.height, report.end_reason) == (2, None)
