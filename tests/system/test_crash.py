"""kill -9 at random moments of import, sync, mining and sending: the next start repairs what it finds by itself,
nothing that was acknowledged is lost, and the coins are those of a fresh replay.

Five kills, fifty with MINICOIN_SOAK. Kills of one activity hit the same directory again and again, some of them while
it is being opened after the kill before. The moments follow from a seed: MINICOIN_SEED.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import trio
from tests.soak import times

from .doomed import Doomed, check_chain
from .node_under_test import running_node
from .saved_chains import BLOCKS, NETWORK, reopened_height

SEED = int(os.environ.get("MINICOIN_SEED", "0"))
TIMES = times(1)


class Fate:
    """When the next process dies."""

    def __init__(self, activity: str, longest_s: float) -> None:
        self._rng = random.Random(f"{activity} {SEED}")
        self._longest_s = longest_s

    def strike(self, doomed: Doomed) -> bool:
        """Kill it; False where it was done before that."""
        if self._rng.random() < 0.8:
            doomed.wait_ready()
            return doomed.kill_after(self._rng.uniform(0.0, self._longest_s))
        # Somewhere in its start: the interpreter takes a part of a second to get to ours.
        return doomed.kill_after(self._rng.uniform(0.3, 1.2))

    def flush_every(self) -> dict[str, str]:
        """Few blocks or many between two writes of the coins."""
        return {"FLUSH_EVERY": str(self._rng.choice((1, 10, 100, 1_000)))}


def new_directory(parent: Path) -> Iterator[Path]:
    """Fresh ones, as often as the work in one is done."""
    for number in range(10_000):
        yield parent / f"node-{number}"


def test_import(bootstrap_file: Path, tmp_path: Path) -> None:
    fate = Fate("import", 1.0)
    directories = new_directory(tmp_path)
    directory = next(directories)
    kills = 0
    while kills < TIMES:
        doomed = Doomed("import", directory, bootstrap_file, environment=fate.flush_every())
        was_killed = fate.strike(doomed)
        height = check_chain(NETWORK, directory, doomed.acknowledged.blocks)
        kills += was_killed
        if not was_killed:
            assert height == BLOCKS
            directory = next(directories)


def test_sync(chain_directory: Path, tmp_path: Path) -> None:
    served = shutil.copytree(chain_directory, tmp_path / "served")
    fate = Fate("sync", 1.5)
    directories = new_directory(tmp_path)

    async def main() -> None:
        directory = next(directories)
        async with running_node(NETWORK, served) as server:
            for _ in range(TIMES):
                doomed = Doomed("sync", directory, server.port, environment=fate.flush_every())
                was_killed = await trio.to_thread.run_sync(fate.strike, doomed)
                assert was_killed, "it works until it is killed"
                if await reopened_height(directory, doomed.acknowledged) == BLOCKS:
                    directory = next(directories)

    trio.run(main)


def test_mining(wallet_directory: Path, tmp_path: Path) -> None:
    work_and_die("mine", shutil.copytree(wallet_directory, tmp_path / "node"), TIMES)


def test_sending(wallet_directory: Path, tmp_path: Path) -> None:
    work_and_die("send", shutil.copytree(wallet_directory, tmp_path / "node"), 2 * TIMES)


def work_and_die(activity: str, directory: Path, kills: int) -> None:
    fate = Fate(activity, 1.5)
    for _ in range(kills):
        doomed = Doomed(activity, directory, environment=fate.flush_every())
        assert fate.strike(doomed), "it works until it is killed"
        trio.run(reopened_height, directory, doomed.acknowledged)
