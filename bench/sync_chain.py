"""Synchronisation of the generated chain from one peer over TCP, against our own import of the same chain; and over
libp2p, against plain TCP.

Two processes: one imports the chain (that is the yardstick) and serves it, the other one syncs from it on an empty
directory and measures its own loop lag and memory.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import trio
from import_chain import BLOCKS, NETWORK_NAME, chain_file

from minicoin.app.build import Bind, BuiltNode, NodeSetup, build_node
from minicoin.core.notices import Notice, TipMoved
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.lag import LagSnapshot
from minicoin.drivers.network import listening_port
from minicoin.drivers.reports import Report
from minicoin.drivers.store.blockfiles import import_blocks
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.drivers.transport import TransportKind

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 300
_ROUNDS = 3
_TRANSPORTS = (TransportKind.PLAIN, TransportKind.LIBP2P)


@dataclass(frozen=True, slots=True)
class Synced:
    """One sync as the syncing process saw it."""

    seconds: float
    lag: LagSnapshot
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Round:
    """Import and both syncs, one after the other."""

    import_s: float
    plain: Synced
    secure: Synced


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    chain_file()
    # Taken in turns, the best of each: the machine may be busy with something else now and then.
    rounds = [_round() for _ in range(_ROUNDS)]
    import_s = min(one.import_s for one in rounds)
    plain = min((one.plain for one in rounds), key=lambda synced: synced.seconds)
    secure = min((one.secure for one in rounds), key=lambda synced: synced.seconds)
    lag = plain.lag
    return [
        ("sync over TCP", f"{plain.seconds:.2f} s; our import {import_s:.2f} s; ratio {plain.seconds / import_s:.2f}"),
        ("sync over libp2p", f"{secure.seconds:.2f} s; ratio {secure.seconds / plain.seconds:.2f} to plain TCP"),
        ("loop lag in sync", f"p99 {lag.p99_ms:.1f} ms; p50 {lag.p50_ms:.1f} ms; max {lag.max_ms:.1f} ms"),
        ("sync peak memory", f"{plain.peak_mb:.0f} MB (Python itself included)"),
    ]


def _round() -> Round:
    with tempfile.TemporaryDirectory() as directory:
        server = _child("serve", f"{directory}/server", stdin=subprocess.PIPE)
        try:
            import_s, *ports = _words(server)
            plain, secure = (
                _sync_apart(kind, f"{directory}/{kind}", port) for kind, port in zip(_TRANSPORTS, ports, strict=True)
            )
        finally:
            server.communicate()
    return Round(float(import_s), plain, secure)


def _sync_apart(transport: TransportKind, directory: str, port: str) -> Synced:
    client = _child("sync", directory, transport, port)
    seconds, p50, p99, longest, megabytes = map(float, _words(client))
    client.wait(30)
    return Synced(seconds, LagSnapshot(p50, p99, longest), megabytes)


def _child(*arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)


def _words(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout is not None
    words = child.stdout.readline().split()
    if not words:
        raise RuntimeError(f"{child.args!r} ended early")
    return words


def _serve(directory: Path) -> None:
    chain = LocalChain(lookup(NETWORK_NAME), directory)
    started = time.perf_counter()
    import_blocks(chain, [chain_file()])
    seconds = time.perf_counter() - started
    chain.close()

    async def main() -> None:
        binds = tuple(Bind(_HOST, 0, kind) for kind in _TRANSPORTS)
        built = await build_node(NodeSetup(lookup(NETWORK_NAME), directory, NodePolicy(), binds), _ignore)
        async with trio.open_nursery() as nursery:
            await nursery.start(built.run)
            print(seconds, *(listening_port(listener) for listener, _ in built.listeners), flush=True)
            # Until the parent closes our input.
            await trio.to_thread.run_sync(sys.stdin.read)
            await _stop(built)

    trio.run(main)


def _sync(directory: Path, transport: TransportKind, port: int) -> None:
    async def main() -> tuple[float, LagSnapshot]:
        policy = NodePolicy(connect=(NodeAddress(_HOST, port),), listens=False)
        arrived = trio.Event()

        def take(now: Micros, notice: Notice | Report) -> None:
            if isinstance(notice, TipMoved) and notice.height == BLOCKS:
                arrived.set()

        setup = NodeSetup(lookup(NETWORK_NAME), directory, policy, transport=transport)
        built = await build_node(setup, take)
        async with trio.open_nursery() as nursery:
            started = time.perf_counter()
            await nursery.start(built.run)
            with trio.fail_after(_PATIENCE_SECONDS):
                await arrived.wait()
            seconds, lag = time.perf_counter() - started, built.runtime.lag.snapshot()
            await _stop(built)
        return seconds, lag

    seconds, lag = trio.run(main)
    print(seconds, lag.p50_ms, lag.p99_ms, lag.max_ms, peak_kilobytes() / 1024, flush=True)


async def _stop(built: BuiltNode) -> None:
    built.runtime.stop_nowait()
    await built.runtime.finished.wait()


def _ignore(now: Micros, notice: Notice | Report) -> None:
    """The serving node keeps no log."""


def peak_kilobytes() -> int:
    """This process's own peak; not getrusage, whose maximum counts the parent's memory at the fork."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def main() -> None:
    """Print the rows, or (with arguments) be one of the two processes."""
    match sys.argv[1:]:
        case ["serve", directory]:
            _serve(Path(directory))
        case ["sync", directory, transport, port]:
            _sync(Path(directory), TransportKind(transport), int(port))
        case _:
            for what, result in rows():
                print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
