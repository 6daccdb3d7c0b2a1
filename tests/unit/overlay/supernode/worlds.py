"""Assembled super nodes and leaves in one world whose links name the peers."""

from dataclasses import replace

from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

LATENCY_US = 50_000
REGTEST = lookup("regtest")
NOBODY = b"\x00\x14" + bytes(20)


def network_of(**settings):
    rows = tuple(sorted(settings.items()))
    return replace(REGTEST, overlay="supernode", own_messages=True, overlay_settings=rows, dns_seeds=("seed",))


class Hive:
    """So many super nodes and leaves; the first super nodes are what the network's seeds name."""

    def __init__(self, supers, leaves, *, seeds=4, encodes=True, meets=False, latency=None, **settings):
        world_settings = WorldSettings(b"hive", encodes=encodes, has_peer_ids=True)
        self.world = World(network_of(**settings), KernelVerifier(1), latency or uniform(LATENCY_US), world_settings)
        self.world.connections.is_meeting = meets
        self.supers = [self.world.add_host(name=f"super{number}") for number in range(supers)]
        self.world.seeds = tuple(host.address for host in self.supers[:seeds])
        self.leaves = [self.world.add_host(name=f"leaf{number}") for number in range(leaves)]
        for host in (*self.supers, *self.leaves):
            self.start(host)

    def start(self, host):
        self.world.start(host, NodePolicy(overlay_role="super" if host in self.supers else "leaf"))

    def stop(self, *hosts):
        for host in hosts:
            self.world.stop(host, "power off")

    def living(self, hosts):
        return [host for host in hosts if host.is_up]

    def about(self, host):
        return host.node.view.overlay(self.world.now)

    def figure(self, host, name):
        return dict(self.about(host).figures)[name]

    def parents(self, leaf):
        """The super nodes that a leaf sits at, as it says."""
        conns = [near.conn for near in self.about(leaf).neighbours if near.role == "parent"]
        return [leaf.links[conn].other.host for conn in conns]

    def reaches(self, until):
        return self.world.wait(300 * SECOND_US, until)

    def spend(self, seconds):
        self.world.run(self.world.now + seconds * SECOND_US)

    def all_attached(self, parents):
        return all(self.figure(leaf, "parents") >= parents for leaf in self.living(self.leaves))

    def agree(self):
        return len({host.tip for host in self.living((*self.supers, *self.leaves))}) == 1
