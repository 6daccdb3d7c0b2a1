"""From a [[fault]] table to the fault that is injected: targets become nodes, seconds and Mbit/s integers."""

from collections.abc import Callable, Mapping
from typing import assert_never

from minicoin.core.rng import Rng
from minicoin.sim import draws
from minicoin.sim.faults import disk_faults, host_faults, layers, link_faults, registry_lies
from minicoin.sim.faults.fault import InjectedFault
from minicoin.sim.faults.weather import Between
from minicoin.sim.geography import bytes_per_second
from minicoin.sim.scenario import faults as written
from minicoin.sim.scenario.fields import micros
from minicoin.sim.scenario.targets import Target, disjoint_groups, target_nodes

_US_PER_MS = 1_000
_NAMED_MAX = 20


class FaultMaker:
    """Knows the nodes and groups of one scenario. `name_of` gives people's name of a node."""

    def __init__(self, count: int, groups: Mapping[str, range], name_of: Callable[[int], str]) -> None:
        self._count = count
        self._groups = groups
        self._name_of = name_of

    def make(self, fault: written.Fault, rng: Rng) -> InjectedFault:
        """The fault, its chance taken from `rng`."""
        if isinstance(fault, written.LinkFault):
            return self._on_links(fault, rng)
        match fault:
            case written.Partition():
                return self._partition(fault, rng)
            case written.LinkLoss():
                return link_faults.LinkLossFault(fault.share, draws.seed64(rng))
            case written.HalfOpenLinks():
                nodes = self._nodes(fault.nodes, rng)
                return link_faults.HalfOpenFault(fault.kind, self._names(nodes), nodes, fault.count, rng)
            case written.Reset():
                nodes = self._nodes(fault.nodes, rng)
                return link_faults.ResetFault(fault.kind, self._names(nodes), nodes, fault.count, rng)
            case _:
                return self._on_nodes(fault, rng)

    # --- links ---

    def _on_links(self, fault: written.LinkFault, rng: Rng) -> InjectedFault:
        nodes, peers = self._nodes(fault.nodes, rng), self._nodes(fault.peers, rng)
        between = Between(nodes, peers)
        names = [f"{left} - {right}" for left, right in [(self._summary(nodes), self._summary(peers))]]
        match fault:
            case written.Loss():
                layer: link_faults.CountingLayer = layers.Losing(between, fault.probability, rng)
            case written.Duplicate():
                layer = layers.Duplicating(between, fault.probability, rng)
            case written.Reorder():
                layer = layers.Reordering(between, fault.probability, rng, round(fault.by_ms * _US_PER_MS))
            case written.DelaySpike():
                layer = layers.Delaying(between, round(fault.add_ms * _US_PER_MS), rng)
            case written.FragmentedRead():
                layer = layers.Fragmenting(between, rng, fault.max_bytes)
            case written.FlippedByte():
                layer = layers.Flipping(between, fault.probability, rng)
            case written.LinkBlock():
                return link_faults.LinkBlockFault(fault.kind, names, between, one_way=fault.one_way)
            case written.Clog():
                return link_faults.ClogFault(names, between, fault.order, rng)
            case _:
                raise AssertionError(f"a kind of link fault that nobody makes: {fault!r}")
        return link_faults.LayerFault(fault.kind, names, layer)

    def _partition(self, fault: written.Partition, rng: Rng) -> InjectedFault:
        parts = disjoint_groups(fault.groups, self._count, self._groups, rng)
        group_of = {node: number for number, part in enumerate(parts) for node in part}
        names = [self._summary(dict.fromkeys(part)) for part in parts]
        return link_faults.PartitionFault(names, group_of, one_way=fault.one_way, resets=fault.cut == "reset")

    # --- nodes ---

    def _on_nodes(
        self,
        fault: written.BandwidthCap
        | written.Crash
        | written.TornWrite
        | written.FullDisk
        | written.ClockSkew
        | written.ClockJump
        | written.SlowCpu
        | written.ChurnSpell
        | written.VersionSkew
        | written.NodeLoss
        | written.RegistryLies,
        rng: Rng,
    ) -> InjectedFault:
        nodes = self._nodes(fault.nodes, rng)
        names = self._names(nodes)
        match fault:
            case written.BandwidthCap():
                return host_faults.BandwidthCapFault(names, nodes, _rate(fault.up_mbit), _rate(fault.down_mbit))
            case written.Crash():
                restart_us = micros(fault.restart_after_s)
                return host_faults.CrashFault(names, nodes, restart_us, with_disk=fault.with_disk)
            case written.TornWrite():
                return disk_faults.TornWriteFault(names, nodes, fault.damage, micros(fault.restart_after_s))
            case written.FullDisk():
                return disk_faults.FullDiskFault(names, nodes)
            case written.ClockSkew():
                return host_faults.ClockSkewFault(names, nodes, micros(fault.offset_s), fault.drift_ppm)
            case written.ClockJump():
                return host_faults.ClockJumpFault(names, nodes, micros(fault.by_s))
            case written.SlowCpu():
                return host_faults.SlowCpuFault(names, nodes, fault.factor)
            case written.ChurnSpell():
                means_us = (micros(fault.session_s), micros(fault.rejoin_s))
                return host_faults.ChurnFault(names, nodes, means_us, rng, with_disk=fault.with_disk)
            case written.VersionSkew():
                return host_faults.VersionSkewFault(names, nodes, fault.version)
            case written.NodeLoss():
                returns = fault.until_s is not None
                return host_faults.NodeLossFault(names, nodes, with_disk=fault.with_disk, returns=returns)
            case written.RegistryLies():
                return registry_lies.RegistryLiesFault(names, nodes, micros(fault.every_s), rng)
            case _:
                assert_never(fault)

    # --- targets ---

    def _nodes(self, target: Target, rng: Rng) -> dict[int, None]:
        return dict.fromkeys(target_nodes(target, range(self._count), self._groups, rng))

    def _names(self, nodes: Mapping[int, None]) -> list[str]:
        return [self._name_of(node) for node in nodes]

    def _summary(self, nodes: Mapping[int, None]) -> str:
        if len(nodes) == self._count:
            return "all"
        names = [self._name_of(node) for node in list(nodes)[:_NAMED_MAX]]
        more = len(nodes) - len(names)
        return " ".join(names) + (f" and {more} more" if more else "")


def _rate(mbit: float | None) -> int:
    return bytes_per_second(mbit or 0.0)
