"""The tree of what stands in ZooKeeper, against nodes and watches by hand that change at every step: what is told in
the end is what stands there in the end."""

from random import Random

import pytest
import trio
from tests.soak import times

from minicoin.core.limits import REGISTRY_RECORDS_PER_NODE_MAX, REGISTRY_VALUE_BYTES_MAX
from minicoin.drivers.registry.port import RegistryRefused
from minicoin.drivers.registry.zookeeper_session import Stat
from minicoin.drivers.registry.zookeeper_tree import ZooKeeperTree

ROOT = "/m"


class HandSession:
    """Nodes with values, each removed with what is below it; watches fire once, as ZooKeeper's do."""

    def __init__(self, meddle=lambda: None) -> None:
        self.nodes: dict[str, tuple[bytes, int]] = {}
        self.changed: dict[str, None] = {}
        self.reads = 0
        self.unreadable: set[str] = set()
        self._meddle = meddle
        self._marks = 0
        self._looked: set[str] = set()
        self._listed: set[str] = set()

    # --- what others do ---

    def put(self, path: str, value: bytes = b"") -> None:
        folder = path.rpartition("/")[0]
        if folder and folder not in self.nodes:
            self.put(folder)
        is_new = path not in self.nodes
        self._marks += 1
        self.nodes[path] = (value, self._marks)
        self._fire(self._looked, path)
        if is_new:
            self._fire(self._listed, folder)

    def remove(self, path: str) -> None:
        for below in sorted((node for node in self.nodes if f"{node}/".startswith(f"{path}/")), reverse=True):
            del self.nodes[below]
            self._fire(self._looked, below)
            self._fire(self._listed, below)
            self._fire(self._listed, below.rpartition("/")[0])

    def _fire(self, watches: set[str], path: str) -> None:
        if path in watches:
            watches.remove(path)
            self.changed[path] = None

    # --- what the tree asks ---

    async def look(self, path: str) -> Stat | None:
        await self._step(path)
        self._looked.add(path)
        if path not in self.nodes:
            return None
        value, mark = self.nodes[path]
        return Stat((mark, mark), mark, len(value), 0)

    async def read(self, path: str) -> tuple[bytes, Stat] | None:
        await self._step(path)
        self.reads += 1
        if path not in self.nodes:
            return None
        value, mark = self.nodes[path]
        return value, Stat((mark, mark), mark, len(value), 0)

    async def children(self, path: str) -> list[str] | None:
        await self._step(path)
        if path not in self.nodes:
            return None
        self._listed.add(path)
        return [node.rpartition("/")[2] for node in self.nodes if node.rpartition("/")[0] == path]

    async def _step(self, path: str) -> None:
        await trio.lowlevel.checkpoint()
        self._meddle()
        if path in self.unreadable:
            raise RegistryRefused(f"not {path}")


class Told:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.ignored: list[str] = []

    def on_value(self, key: str, value: bytes) -> None:
        self.values[key] = value

    def on_gone(self, key: str) -> None:
        del self.values[key]

    def on_whole(self, keys) -> None:
        assert set(keys) == set(self.values)

    def on_alive(self) -> None:
        pass

    def on_ignored(self, reason: str) -> None:
        self.ignored.append(reason)


async def settle(tree: ZooKeeperTree, session: HandSession) -> None:
    while session.changed:
        changed, session.changed = list(session.changed), {}
        await tree.read_again(session, changed)


def standing(session: HandSession) -> dict[str, bytes]:
    """Below owners, as deep as keys are."""
    return {
        path.removeprefix(f"{ROOT}/"): value
        for path, (value, _) in session.nodes.items()
        if value and 3 <= path.count("/") <= 4
    }


@pytest.mark.parametrize("seed", range(times(40)))
def test_whatever_happens_meanwhile_what_stands_there_is_told_in_the_end(seed: int) -> None:
    random = Random(seed)
    steps = 0

    def meddle() -> None:
        nonlocal steps
        if steps >= 120 or random.random() < 0.4:
            return
        steps += 1
        depth = random.choice((1, 1, 2, 2, 2, 3, 3, 3, 3, 4))
        path = "/".join([ROOT, *(random.choice("abc") for _ in range(depth))])
        if random.random() < 0.1:
            session.remove(ROOT)
        elif random.random() < 0.4:
            session.remove(path)
        else:
            session.put(path, random.choice((b"", b"1", b"22", b"333")))

    async def main() -> None:
        told = Told()
        tree = ZooKeeperTree(ROOT, told)
        await tree.read_all(session)
        while session.changed or steps < 120:
            await settle(tree, session)
            meddle()
        assert told.values == standing(session)
        # Its connection is lost and all is read again: what is known is not read twice.
        session.put(f"{ROOT}/a/b", b"new")
        session.changed.clear()
        before = session.reads
        await tree.read_all(session)
        assert told.values == standing(session) and session.reads == before + 1

    session = HandSession(meddle)
    trio.run(main)


def test_what_is_too_long_is_not_read_until_it_is_shorter() -> None:
    async def main() -> None:
        session, told = HandSession(), Told()
        tree = ZooKeeperTree(ROOT, told)
        session.put(f"{ROOT}/a/node", b"x" * (REGISTRY_VALUE_BYTES_MAX + 1))
        await tree.read_all(session)
        assert (told.values, session.reads, len(told.ignored)) == ({}, 0, 1)
        await tree.read_all(session)
        assert (session.reads, len(told.ignored)) == (0, 1)
        session.put(f"{ROOT}/a/node", b"x")
        await settle(tree, session)
        assert (told.values, session.reads) == ({"a/node": b"x"}, 1)
        session.put(f"{ROOT}/a/node", b"x" * (REGISTRY_VALUE_BYTES_MAX + 1))
        await settle(tree, session)
        assert (told.values, session.reads, len(told.ignored)) == ({}, 1, 2)

    trio.run(main)


def test_room_that_becomes_free_is_there_for_the_next() -> None:
    async def main() -> None:
        session, told = HandSession(), Told()
        tree = ZooKeeperTree(ROOT, told)
        count = REGISTRY_RECORDS_PER_NODE_MAX + 10
        for number in range(count):
            session.put(f"{ROOT}/a/records/r{number:03}", b"x")
        await tree.read_all(session)
        assert len(told.values) == REGISTRY_RECORDS_PER_NODE_MAX + 1
        for number in range(20):
            session.remove(f"{ROOT}/a/records/r{number:03}")
        await settle(tree, session)
        assert told.values == standing(session) and len(told.values) == count - 20

    trio.run(main)


def test_what_may_not_be_read_is_left_out_below_the_root_and_a_refusal_at_it() -> None:
    async def main() -> None:
        session, told = HandSession(), Told()
        tree = ZooKeeperTree(ROOT, told)
        session.put(f"{ROOT}/a/node", b"1")
        session.put(f"{ROOT}/b/node", b"2")
        session.unreadable = {f"{ROOT}/a"}
        await tree.read_all(session)
        assert (told.values, told.ignored) == ({"b/node": b"2"}, [f"not {ROOT}/a"])
        session.unreadable = {ROOT}
        with pytest.raises(RegistryRefused):
            await tree.read_all(session)

    trio.run(main)
