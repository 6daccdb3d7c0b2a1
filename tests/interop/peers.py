"""The other implementations as programs: where they are, how they are started, what they must print.

Each program understands `listen` (prints LISTENING <multiaddr>) and `dial MULTIADDR` (prints CASE <name> ok|FAIL ...).
A program that is not installed skips its tests, and fails them under CI=true.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from tests.interop.cases import run_all
from tests.interop.harness import Host
from tests.waiting import hang_guard

from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId

ROOT = Path(__file__).parent.parent.parent
INSTALLED = ROOT / ".peers"
CASES = (
    "wrong-peer",
    "handshake",
    "identify",
    "ping",
    "echo",
    "half-close",
    "reset",
    "refused",
    "stream-limit",
)


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation. `marker` exists once it is installed."""

    name: str
    command: tuple[str, ...]
    marker: Path
    agent: str


GO = Peer("go-libp2p", (str(INSTALLED / "go-libp2p/peer"),), INSTALLED / "go-libp2p/peer", "interop-go/1")

JS = Peer(
    "js-libp2p",
    (
        str(INSTALLED / "js-libp2p/node"),
        "--import",
        str(INSTALLED / "js-libp2p/polyfill.mjs"),
        str(INSTALLED / "js-libp2p/peer.mjs"),
    ),
    INSTALLED / "js-libp2p/.stamp",
    "interop-js/1",
)

PY = Peer(
    "py-libp2p",
    (str(INSTALLED / "py-libp2p/bin/python"), str(ROOT / "tests/interop/py/peer.py")),
    INSTALLED / "py-libp2p/.stamp",
    "py-libp2p/0.8.1",
)


def require(peer: Peer) -> None:
    """Skip where the program is missing; under CI=true that is a failure."""
    if peer.marker.exists():
        return
    reason = f"{peer.name} is not installed: run sh tests/peers/install.sh"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def listening(peer: Peer, *arguments: str) -> Iterator[Multiaddr]:
    """The program as a listener, and its address."""
    require(peer)
    process = subprocess.Popen(
        [*peer.command, "listen", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("LISTENING "), line + (process.stderr.read() if process.stderr else "")
        yield Multiaddr.parse(line.split()[1])
    finally:
        process.kill()
        process.communicate()


def make_key(peer: Peer, key_type: str, file: Path) -> PeerId:
    """Let the program write a key file; the id that it says the key has."""
    require(peer)
    done = subprocess.run([*peer.command, "key", key_type, str(file)], capture_output=True, text=True, check=True)
    return PeerId.parse(done.stdout.strip())


def check_as_dialler(peer: Peer) -> None:
    """We dial, the program listens."""
    with listening(peer) as address:
        trio.run(run_all, address, peer.agent)


def check_as_listener(peer: Peer) -> None:
    """The program dials, we listen; it reports its cases."""
    require(peer)
    output = trio.run(_serve_dialler, peer)
    results = {words[1]: words[2:] for line in output.splitlines() if (words := line.split()) and words[0] == "CASE"}
    failed = {name: " ".join(results.get(name, ["not run"])) for name in CASES if results.get(name, [""])[0] != "ok"}
    assert not failed, f"{failed}\n{output[-4_000:]}"


async def _serve_dialler(peer: Peer) -> str:
    host = Host(Identity.from_number(8))
    with hang_guard(f"the cases of {peer.name}"):
        async with trio.open_nursery() as nursery:
            address = await host.listen(nursery)
            done = await trio.run_process(
                [*peer.command, "dial", str(address)], capture_stdout=True, capture_stderr=True, check=False
            )
            nursery.cancel_scope.cancel()
    return done.stdout.decode() + done.stderr.decode()
