"""Letters in every network model there is, between nodes with all their code: who is there gets them, whoever is."""

from dataclasses import replace

import pytest

from minicoin.core.answers import Outcome
from minicoin.core.commands import FindPeer, Tell
from minicoin.core.limits import LETTER_HOP_US, LETTER_HOPS_MAX
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World, host_address

NODES = 7
FIRST_ROLES = {"supernode": ("super", "super"), "index": ("index",)}
"""What the first nodes are in models where not all are alike."""
SETTINGS = {"index": (("index", (str(host_address(0)),)),)}


class Place:
    """Some nodes of one model, which found each other by the network's seeds."""

    def __init__(self, name, verifier):
        network = replace(
            REGTEST,
            overlay=name,
            own_messages=True,
            overlay_settings=SETTINGS.get(name, ()),
            dns_seeds=("seed",),
        )
        settings = WorldSettings(b"models", encodes=True, has_peer_ids=True)
        self.world = World(network, verifier, uniform(50_000), settings)
        self.hosts = [self.world.add_host() for _ in range(NODES)]
        self.world.seeds = tuple(host.address for host in self.hosts[:2])
        roles = FIRST_ROLES.get(name, ())
        for number, host in enumerate(self.hosts):
            role = roles[number] if number < len(roles) else ""
            self.world.start(host, NodePolicy(overlay_role=role))
        self.world.run(self.world.now + 2 * MINUTE_US)

    def tell(self, sender, target):
        """(outcome, how long it took)."""
        began = self.world.now
        told = self.world.ask(self.hosts[sender], Tell(self.hosts[target].address.peer_id, f"{sender} to {target}"))
        return told.outcome, self.world.now - began


@pytest.fixture(scope="module", params=list(OVERLAYS))
def place(request):
    verifier = KernelVerifier(1)
    yield Place(request.param, verifier)
    verifier.close()


def test_everybody_can_tell_everybody(place):
    pairs = [(sender, (sender + step) % NODES) for sender in range(NODES) for step in (1, 3)]
    results = {pair: place.tell(*pair) for pair in pairs}
    assert {pair: outcome for pair, (outcome, _) in results.items()} == dict.fromkeys(pairs, Outcome.DELIVERED)
    assert max(took for _, took in results.values()) < 2 * SECOND_US
    read = {(number, one.letter.text) for number, host in enumerate(place.hosts) for one in host.node.view.letters()}
    assert read == {(target, f"{sender} to {target}") for sender, target in pairs}


def test_where_somebody_is_is_found_or_not_known(place):
    found = place.world.ask(place.hosts[5], FindPeer(place.hosts[6].address.peer_id))
    assert found.by is not None
    assert [address.peer_id for address in found.addresses] in ([], [place.hosts[6].address.peer_id])


def test_who_is_switched_off_gets_nothing_and_nobody_waits_for_long(place):
    place.world.stop(place.hosts[6], "power off")
    for sender in (0, 5):
        outcome, took = place.tell(sender, 6)
        assert outcome in (Outcome.FAILED, Outcome.MAYBE)
        assert took <= LETTER_HOPS_MAX * LETTER_HOP_US
    place.world.restart(place.hosts[6])
    place.world.run(place.world.now + MINUTE_US)
    assert place.tell(5, 6)[0] is Outcome.DELIVERED
