"""What each way to find each other costs, with processes: the figures of docs/finding-each-other.md.

Each step waits for a state; how long that took is printed, since it is the machine's as well as the way's. `make soak`
runs all ways; `make test` the two that need no server.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.soak import IS_SOAK
from tests.waiting import wait_until

from minicoin.core.libp2p.identity import Identity

from .fleet import network_of
from .forked import ForkedNode
from .test_registry_contract import KINDS

MEMBERS = 5
NEWCOMERS = 3 if IS_SOAK else 1
MAX_AGE_S = 2


class Node:
    """One node, always at one port."""

    def __init__(self, number: int, network: str, directory: Path) -> None:
        self.peer_id = str(Identity.from_number(number).peer_id)
        port = free_ports(1)[0]
        self.address = f"/ip4/127.0.0.1/tcp/{port}/p2p/{self.peer_id}"
        self._fixed = ("--network", network, "--identity-seed", str(number), "-l", str(port), "--rpcport", "0")
        self._place = directory / f"node{number}"
        self._process: ForkedNode | None = None

    @property
    def process(self) -> ForkedNode:
        assert self._process is not None
        return self._process

    def start(self, words: Sequence[str]) -> None:
        self._process = ForkedNode((*self._fixed, *words), self._place, self._place.with_suffix(".log"))

    def forget_addresses(self) -> None:
        (self._place / "state" / "peers").unlink(missing_ok=True)

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> None:
        self.process.end()
        self.process.wait()

    def has_kept(self, others: Sequence["Node"]) -> bool:
        """On its disk, of the registry: all the others, as met."""
        path = self._place / "state" / "registry"
        lines = path.read_text().splitlines() if path.exists() else []
        met = {line.split()[1] for line in lines if " met " in line}
        return {other.peer_id for other in others if other is not self} <= met

    def peers(self) -> set[str]:
        return {peer["peerid"] for peer in self.process.call("getpeerinfo") if peer["version"]}


@dataclass(frozen=True)
class Way:
    """One way to find each other, as its operator has it."""

    words: tuple[str, ...]
    lose: Callable[[], object]
    bring_back: Callable[[], object]


@contextmanager
def way_of(name: str, first: Node, directory: Path) -> Iterator[Way]:
    """Either one of the nodes is known to all by its address, or a registry is."""
    if name == "peer":
        words = ("-d", first.address)
        yield Way(words, first.kill, lambda: first.start(words))
        return
    with KINDS[name](directory) as place:
        yield Way((*place.words, "--registry-max-age", str(MAX_AGE_S)), place.lose, place.bring_back)


def met(node: Node, others: Sequence[Node]) -> bool:
    return {other.peer_id for other in others} - {node.peer_id} <= node.peers()


def seconds_until(state: Callable[[], object], what: str) -> float:
    started = time.perf_counter()
    wait_until(state, what)
    return time.perf_counter() - started


@pytest.mark.parametrize("name", ("peer", *KINDS) if IS_SOAK else ("peer", "file"))
def test_what_a_way_to_find_each_other_costs(name: str, tmp_path: Path) -> None:
    network = network_of("gossip", (), MEMBERS).name_for_nodes(tmp_path)
    nodes = [Node(number, network, tmp_path) for number in range(1, MEMBERS + 1)]
    spare = iter([Node(number, network, tmp_path) for number in range(MEMBERS + 1, MEMBERS + NEWCOMERS + 4)])
    running: list[Node] = []
    with way_of(name, nodes[0], tmp_path) as way:

        def start(node: Node, words: Sequence[str] = way.words) -> Node:
            node.start(words)
            running.append(node)
            node.process.wait_up()
            return node

        try:
            for node in nodes:
                start(node)
            for node in nodes:
                wait_until(lambda node=node: met(node, nodes), f"all peers of {node.process}")

            joins = []
            for _ in range(NEWCOMERS):
                newcomer = start(next(spare))
                joins.append(seconds_until(lambda newcomer=newcomer: met(newcomer, nodes), "that a newcomer is in"))
                running.remove(newcomer)
                newcomer.kill()

            # One that is in no registry and knows one of the others, which is not the one that a newcomer is told of.
            hidden = start(next(spare), ("-d", nodes[1].address))
            wait_until(lambda: met(hidden, nodes), "that the hidden one is in")
            newcomer = start(next(spare))
            found_hidden = seconds_until(lambda: met(newcomer, [hidden]), "that the newcomer meets the hidden one")
            for node in (newcomer, hidden):
                running.remove(node)
                node.kill()

            left = nodes[1:] if name == "peer" else nodes
            if name != "peer":
                # Whom a node has met of those that a registry named it keeps; the others' addresses grow old with it.
                for node in left:
                    wait_until(lambda node=node: node.has_kept(left), f"what {node.process} keeps")
            way.lose()
            for node in left:
                # Whoever listens goes on with whom it has.
                wait_until(lambda node=node: met(node, left), f"the links of {node.process}")
            late = start(next(spare))
            assert not late.peers()
            for node in left:
                if name == "peer":
                    # Addresses are written every quarter of an hour, and when a node ends in order.
                    node.end()
                else:
                    node.kill()
                    node.forget_addresses()
            for node in left:
                node.start(way.words)
            for node in left:
                node.process.wait_up()
            again = seconds_until(lambda: all(met(node, left) for node in left), "that they meet again without it")
            way.bring_back()
            if name == "peer":
                nodes[0].process.wait_up()
            back = seconds_until(lambda: met(late, left), "that who came too late is in")
        finally:
            for node in running:
                node.process.end()
            for node in running:
                node.process.wait()
    print(
        f"\n{name}: a newcomer is in {statistics.median(joins):.1f} s after it is up; one that was left out is met "
        f"after {found_hidden:.1f} s; the source is lost, all restart and, once up, meet in {again:.1f} s; it is "
        f"back, and who came meanwhile is in after {back:.1f} s"
    )
