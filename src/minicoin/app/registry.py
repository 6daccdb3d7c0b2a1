"""A node's registry: which kind, and what of the node it is told. Loaded only where one is configured, since what
speaks HTTP is not small."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from minicoin.app.loading import load
from minicoin.core.addrmgr.groups import is_routable
from minicoin.core.events import Event
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import Micros
from minicoin.core.view import NodeView
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.registry.carrier import RegistryCarrier
from minicoin.drivers.registry.consul import ConsulRegistry
from minicoin.drivers.registry.etcd import EtcdRegistry
from minicoin.drivers.registry.file import FileRegistry
from minicoin.drivers.registry.port import Registry
from minicoin.drivers.registry.settings import (
    ConsulSettings,
    EtcdSettings,
    FileSettings,
    RegistrySettings,
    ZooKeeperSettings,
)
from minicoin.drivers.reports import Report


class ViewedNode:
    """What the carrier reads of a node, from its view."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    @property
    def network_id(self) -> bytes:
        return self._view.network.network_id

    @property
    def peer_id(self) -> bytes:
        return self._view.policy.peer_id

    def addresses(self) -> tuple[NodeAddress, ...]:
        """Where it listens by libp2p; the address that its operator named, or that its peers see, comes first."""
        policy, allow_private = self._view.policy, self._view.network.allow_private_addresses
        # On a public network, private addresses are of no use to others, and nobody's business.
        listening = [
            address
            for address in policy.listen_addresses
            if address.peer_id and is_routable(address, allow_private=allow_private)
        ]
        # To another machine our loopback address would mean itself.
        distant = [address for address in listening if address.ip is not None and not address.ip.is_loopback]
        own = policy.external_address or self._view.gossip.own_address
        named = () if own is None else (replace(own, peer_id=policy.peer_id),)
        return tuple(dict.fromkeys((*named, *(distant or listening))))

    def peers(self) -> Iterable[bytes]:
        return [peer.address.peer_id for peer in self._view.peer_views() if peer.address.peer_id]

    @property
    def record_changes(self) -> int:
        records = self._view.records
        return 0 if records is None else records.changes

    def records(self) -> Iterable[SignedRecord]:
        records = self._view.records
        return () if records is None else [record for kind in KINDS for record in records.of_kind(kind)]


def make_carrier(
    settings: RegistrySettings,
    max_age_us: int,
    view: NodeView,
    state: Path,
    put: Callable[[Event], None],
    report: Callable[[Report], None],
) -> RegistryCarrier:
    """Raises MisuseError for certificates that cannot be used."""
    registry: Registry
    match settings:
        case FileSettings():
            registry = FileRegistry(settings, _system_time)
        case EtcdSettings():
            registry = EtcdRegistry(settings, report)
        case ConsulSettings():
            registry = ConsulRegistry(settings, report)
        case ZooKeeperSettings():
            # kazoo is for those who use it.
            registry = load("zookeeper").make_registry(settings, report)
        case _:
            assert_never(settings)
    return RegistryCarrier(registry, ViewedNode(view), DocumentStore(state), put, report, _system_time, max_age_us)


def _system_time() -> Micros:
    """As other machines have it: leases in a folder are compared between clocks, and ages over restarts."""
    return Micros(time.time_ns() // 1_000)
