"""Whole nodes of the model in virtual time, with tables that were filled beforehand, on links that name their peers."""

from collections import defaultdict
from dataclasses import replace

from minicoin.core.commands import Generate
from minicoin.core.overlay.contract import OVERLAY_KEY
from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of, contact_of
from minicoin.core.overlay.kademlia.saved import encode_contacts
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.host import Host
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

LATENCY_US = 50_000
NOBODY = b"\x00\x14" + bytes(20)
# Neither repairs nor refreshes but the first, for tests of the tree and of lookups alone.
SILENT = {"pull_period": 3_600, "refresh_period": 86_400}

Buckets = dict[int, list[int]]
"""Of one node: others by the bucket they lie in, each by its number."""


def kademlia_network(**chosen: int) -> Network:
    return replace(REGTEST, overlay="kademlia", own_messages=True, overlay_settings=tuple(chosen.items()))


def kademlia_world(network: Network, seed: bytes = b"kademlia") -> World:
    """Without hosts."""
    return World(network, KernelVerifier(1), uniform(LATENCY_US), WorldSettings(seed, has_peer_ids=True))


def all_buckets(contacts: list[Contact]) -> list[Buckets]:
    """Where everybody lies for each."""
    found: list[Buckets] = []
    for own in contacts:
        mine: Buckets = defaultdict(list)
        for number, other in enumerate(contacts):
            if other is not own:
                mine[bucket_of(own.key, other.key)].append(number)
        found.append(dict(mine))
    return found


def drawn_tables(contacts: list[Contact], k: int, seed: bytes) -> list[Buckets]:
    """Full tables: of each bucket k others at random, or all there are."""
    rng = Rng(seed)
    return [{index: rng.sample(others, k) for index, others in mine.items()} for mine in all_buckets(contacts)]


def start_nodes(world: World, count: int, k: int = 20, seed: bytes = b"tables") -> tuple[list[Host], list[Buckets]]:
    """Nodes that know their tables from an earlier run, a while after their start: connected to whom they want."""
    hosts = [world.add_host() for _ in range(count)]
    contacts = [contact_of(host.address, b"") for host in hosts]
    tables = drawn_tables(contacts, k, seed)
    for host, table in zip(hosts, tables, strict=True):
        known = [contacts[number] for others in table.values() for number in others]
        host.disk.documents[OVERLAY_KEY] = encode_contacts(known)
        world.start(host, NodePolicy(use_dns_seeds=False, gossips=False, inbound_slots=1_000))
    world.run(world.now + 2 * MINUTE_US)
    return hosts, tables


def graph_of(world: World, hosts: list[Host]) -> list[Buckets]:
    """Whom each node is connected to, as its model says; whoever has not yet said that it speaks it is nobody there."""
    numbers = {(host.address.host, host.address.port): number for number, host in enumerate(hosts)}
    found: list[Buckets] = []
    for host in hosts:
        mine: Buckets = defaultdict(list)
        assert host.node is not None
        for near in host.node.view.overlay(world.now).neighbours:
            other = host.links[near.conn].other.host.address
            if near.role:
                mine[int(near.role.removeprefix("bucket "))].append(numbers[other.host, other.port])
        found.append(dict(mine))
    return found


def figure(world: World, host: Host, name: str) -> int:
    assert host.node is not None
    return dict(host.node.view.overlay(world.now).figures)[name]


def mine(world: World, host: Host) -> BlockHash:
    """One block, told by nobody else yet."""
    return world.ask(host, Generate(1, NOBODY)).blocks[0]
