"""The state's digest: equal for equal lives, another one for whatever differs, and which part it was."""

import os
import subprocess
import sys

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.recording.recorded import PAYABLE, pay

from minicoin.core.commands import AddNode, CreateWallet, Generate, SetBan, SetMining
from minicoin.core.events import AddressesFound
from minicoin.core.limits import DIGEST_ITEMS_MAX
from minicoin.core.netsync import digest
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.recording.digest import differing, join_digests, part_digests, state_digest
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import Headers

BLOCKS = NETWORK.coinbase_maturity + 2


def lived():
    bench = Bench()
    bench.connect(1)
    bench.ask(Generate(BLOCKS, PAYABLE))
    return bench


def found(bench):
    address = TimedAddress(NodeAddress("127.0.0.9", 7), 9, bench.now // SECOND_US)
    bench.handle(AddressesFound(AddressSource.DNS, "seed.example", (address,)))


CHANGES = {
    "headers": lambda bench: bench.ask(Generate(1, NOBODY)),
    "synchronisation": lambda bench: bench.say(1, Headers((bench.node.view.tree.tip.header,))),
    "mempool": lambda bench: pay(bench, 1),
    "address book": found,
    "bans": lambda bench: bench.ask(SetBan("192.0.2.0/24", bench.now // SECOND_US + 60)),
    "sessions": lambda bench: bench.connect(3),
    "connections": lambda bench: bench.ask(AddNode(NodeAddress("127.0.0.7", 7))),
    "wallet": lambda bench: bench.ask(CreateWallet(b"")),
    "relay": lambda bench: bench.connect(3),
    "mining": lambda bench: bench.ask(SetMining(NOBODY)),
    "deadlines": lambda bench: bench.connect(3),
}


def test_equal_lives_have_equal_digests():
    one, two = lived(), lived()
    assert state_digest(one.node, one.now) == state_digest(two.node, two.now)
    assert state_digest(one.node, one.now) == join_digests(part_digests(one.node, one.now))


def test_looking_changes_nothing():
    bench = lived()
    before = state_digest(bench.node, bench.now)
    for _ in range(3):
        assert state_digest(bench.node, bench.now) == before
    assert bench.node.drain_effects() == []


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_shows_in_its_part(part):
    one, two = lived(), lived()
    CHANGES[part](two)
    names = list(differing(part_digests(one.node, one.now), part_digests(two.node, one.now)))
    assert part in names
    assert state_digest(one.node, one.now) != state_digest(two.node, one.now)


def test_every_part_is_named():
    bench = lived()
    assert set(CHANGES) == set(part_digests(bench.node, bench.now)), "a part that no test changes"


def test_a_brief_digest_looks_at_the_totals_of_what_is_large_only(monkeypatch):
    bench = lived()
    assert part_digests(bench.node, bench.now, is_brief=True) == part_digests(bench.node, bench.now)
    assert DIGEST_ITEMS_MAX > BLOCKS
    monkeypatch.setattr(digest, "DIGEST_ITEMS_MAX", 5)
    brief = part_digests(bench.node, bench.now, is_brief=True)
    assert list(differing(brief, part_digests(bench.node, bench.now))) == ["headers"]
    bench.ask(Generate(1, NOBODY))
    assert "headers" in differing(brief, part_digests(bench.node, bench.now, is_brief=True))


def test_hash_seeds_do_not_show():
    script = (
        "from tests.unit.recording.test_digest import lived, found, state_digest\n"
        "bench = lived(); found(bench); bench.connect(3)\n"
        "print(state_digest(bench.node, bench.now).hex())"
    )
    # The path too: the child must run the code that is tested, wherever that was put in front.
    path = os.pathsep.join(sys.path)
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "123")
    }
    assert len(said) == 1
