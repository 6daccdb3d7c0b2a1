"""Synchronisation of the generated chain from one peer over TCP, against our own import of the same chain.

Two processes: one imports the chain (that is the yardstick) and serves it, the other one syncs from it on an empty
directory and measures its own loop lag and memory.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trio
from import_chain import BLOCKS, NETWORK_NAME, chain_file

from minicoin.app.build import Bind, BuiltNode, NodeSetup, build_node
from minicoin.core.effects import Trace
from minicoin.core.node.policy import NodePolicy
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.lag import LagSnapshot
from minicoin.drivers.store.blockfiles import import_blocks
from minicoin.drivers.store.local_chain import LocalChain

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 300


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    chain_file()
    with tempfile.TemporaryDirectory() as directory:
        server = _child("serve", f"{directory}/server", stdin=subprocess.PIPE)
        try:
            import_s, port = _words(server)
            client = _child("sync", f"{directory}/client", port)
            sync_s, p50, p99, longest, megabytes = map(float, _words(client))
            client.wait(30)
        finally:
            server.communicate()
    ratio = sync_s / float(import_s)
    return [
        ("sync over TCP", f"{sync_s:.2f} s; our import {float(import_s):.2f} s; ratio {ratio:.2f}"),
        ("loop lag in sync", f"p99 {p99:.1f} ms; p50 {p50:.1f} ms; max {longest:.1f} ms"),
        ("sync peak memory", f"{megabytes:.0f} MB (Python itself included)"),
    ]


def _child(*arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)


def _words(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout is not None
    return child.stdout.readline().split()


def _serve(directory: Path) -> None:
    chain = LocalChain(lookup(NETWORK_NAME), directory)
    started = time.perf_counter()
    import_blocks(chain, [chain_file()])
    seconds = time.perf_counter() - started
    chain.close()

    async def main() -> None:
        built = await build_node(NodeSetup(lookup(NETWORK_NAME), directory, NodePolicy(), (Bind(_HOST, 0),)), _ignore)
        async with trio.open_nursery() as nursery:
            await nursery.start(built.run)
            print(seconds, built.port, flush=True)
            # Until the parent closes our input.
            await trio.to_thread.run_sync(sys.stdin.read)
            await _stop(built)

    trio.run(main)


def _sync(directory: Path, port: int) -> None:
    async def main() -> tuple[float, LagSnapshot]:
        policy = NodePolicy(connect=(NodeAddress(_HOST, port),), listens=False)
        arrived = trio.Event()

        def take(now: Micros, trace: Trace) -> None:
            if trace.kind == "tip" and dict(trace.fields)["height"] == BLOCKS:
                arrived.set()

        built = await build_node(NodeSetup(lookup(NETWORK_NAME), directory, policy), take)
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


def _ignore(now: Micros, trace: Trace) -> None:
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
        case ["sync", directory, port]:
            _sync(Path(directory), int(port))
        case _:
            for what, result in rows():
                print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
