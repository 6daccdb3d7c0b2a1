"""One run of one scenario with the full node code: set-up, the measured time, settling, and the record of it all."""

import math
import time
from collections import Counter
from typing import Final

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.params.rules import MIN_INTERVAL_S
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim import draws
from minicoin.sim.attackers.roster import coins_wanted
from minicoin.sim.check.checks import Checks
from minicoin.sim.check.durability import Durability
from minicoin.sim.engine.attacks import Attacks
from minicoin.sim.engine.collector import collect_fresh, collect_lost, keep_all
from minicoin.sim.engine.components import largest_component
from minicoin.sim.engine.errands import ErrandLoad
from minicoin.sim.engine.funding import FundedCoin, Funding, fund
from minicoin.sim.engine.grants import GrantWatch, grants
from minicoin.sim.engine.joins import JoinWatch
from minicoin.sim.engine.load import PaymentLoad
from minicoin.sim.engine.mining import MiningProcess
from minicoin.sim.engine.phases import Progress, Report, SetupFailed
from minicoin.sim.engine.placing import Places, connect, place
from minicoin.sim.engine.record_load import RecordLoad
from minicoin.sim.engine.recorder import RunRecorder
from minicoin.sim.engine.rules import costs_of, network_of
from minicoin.sim.engine.set_up import connect_nodes
from minicoin.sim.engine.signers import Signers
from minicoin.sim.engine.wallets import WalletLoad, Wallets, coins_for_wallets
from minicoin.sim.faults.timeline import FaultTimeline
from minicoin.sim.measure.record import ErrandKind
from minicoin.sim.scenario.load import Errands
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.targets import Target, target_nodes
from minicoin.sim.topology import Topology
from minicoin.world.host import Host, Lines
from minicoin.world.ledger import Ledger, SharedLedger
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.settings import WorldSettings
from minicoin.world.world import World

_SLICE_EVENTS: Final = 20_000
_COINS_MAX: Final = 20_000
_BLOCKS_FUNDED: Final = 6
# Their memory, 150 MB, is worth the seconds that it takes to find it.
_NODES_LOST: Final = 1_000
# Of fewer there is less to look through than all modules hold, which `keep_all` looks through once: 0.1 s.
_NODES_KEPT_MIN: Final = 50


class Simulation:
    """A scenario and a seed, from nothing to a record."""

    def __init__(self, scenario: Scenario, seed: int, verifier: ScriptVerifier) -> None:
        if scenario.engine != "full":
            raise MisuseError(f"scenario {scenario.name} is for the engine {scenario.engine!r}")
        self.scenario = scenario
        self.seed = seed
        self._verifier = verifier
        root = seed.to_bytes(8, "little")
        self.draw_seed = draws.seed64(Rng(root))
        self.places: Places = place(scenario, self.draw_seed)
        self.topology: Topology = connect(scenario, self.draw_seed)
        latencies = self.places.latencies
        settings = WorldSettings(
            root,
            costs_of(scenario),
            encodes=scenario.nodes.encode,
            has_peer_ids=scenario.links.transport != "plain",
            runs_libp2p=scenario.links.transport == "libp2p",
            draws_per_message=self.places.geography.latency_drawn == "per_message",
        )
        self.signers = Signers(scenario, Rng(root))
        granted = grants(self._payment_coins()) if self.signers.members else ()
        self.world = World(network_of(scenario, self.signers.members, granted), verifier, latencies.between, settings)
        self._granted = len(granted)
        self.world.block_bytes = scenario.network.block_bytes
        self.setup_events = 0
        self.setup_wall_s = 0.0
        self.run_wall_s = 0.0
        self.began_at = 0
        self._measuring_since = 0.0
        self.mined_until = 0
        self.ended_at = 0
        self._lost_before = 0
        self.funding = self._fund()
        self.honest = self._place_hosts()
        self.signers.settle(self.world)
        self.recorder = RunRecorder(self.world, len(self.honest), records_propagation=scenario.measure.propagation)
        payments = self._payment_coins()
        self.attacks = Attacks(self.world, scenario, self.places, self.funding.coins[payments:])
        self.mining = MiningProcess(self.world, scenario, self.draw_seed, self.attacks.miners)
        self.wallets = Wallets(self.world, self.honest) if scenario.nodes.wallets else None
        self._wallet_coins = self.funding.coins[:payments]
        self.load = self._payments(self.funding.coins[:payments])
        self.errands = self._errands()
        records = scenario.records
        self.records = None if records is None else RecordLoad(self.world, records, self.honest)
        self.joins = JoinWatch(self.world, len(self.honest))
        self.faults = FaultTimeline(self.world, scenario, self.honest, self._empty_disk)
        self.checks = Checks(self.world, scenario.check, self.honest, verifier, self._healed_at)
        self.checks.checkers.append(Durability(self.faults.scene.losses))
        self.world.observers.append(self.recorder)
        if isinstance(self.load, PaymentLoad):
            self.world.observers.append(self.load)

    # --- phases ---

    def set_up(self, report: Report) -> None:
        """Start all nodes and wait until they are connected. Raises SetupFailed."""
        began = time.perf_counter()
        granted = GrantWatch(self.world) if self._granted else None
        self.setup_events = connect_nodes(self.world, self.scenario, self.honest, self.topology, report)
        if granted is not None:
            self._take_grants(granted)
        if self.wallets is not None:
            self._prepare(self.wallets)
        self.setup_wall_s = time.perf_counter() - began
        if self.scenario.nodes.count >= _NODES_KEPT_MIN:
            keep_all()

    def measure(self, report: Report) -> None:
        """Mine, pay and disturb as the scenario says, then let it settle."""
        began = self._measuring_since = time.perf_counter()
        self.began_at = self.world.now
        self.recorder.begin()
        self.checks.begin()
        self.faults.begin()
        self.attacks.begin()
        self.mining.begin()
        self.joins.begin()
        if self.load is not None:
            self.load.begin()
        for errand in self.errands:
            errand.begin()
        if self.records is not None:
            self.records.begin()
        self._sample_regularly()
        settle_us = round(self.scenario.mining.settle_s * SECOND_US)
        while not self.mining.is_over:
            if not self._pass_time(self.world.now + SECOND_US) and self.world.queue.next_time() is None:
                break
            report(self._progress("mining"))
        if self.load is not None:
            self.load.end()
        for errand in self.errands:
            errand.end()
        if self.records is not None:
            self.records.end()
        self.faults.end()
        self.attacks.end()
        self.mined_until = self.world.now
        settled_at = self.world.now + settle_us
        while self.world.now < (ends_at := max(settled_at, self._healed_at())):
            self._pass_time(ends_at)
            report(self._progress("settling"))
        self.checks.finish()
        self._note_end(began)

    def cut(self) -> None:
        """The run ends here, before its time; the last looks of the checkers, at a finished run, are not taken."""
        self._note_end(self._measuring_since)

    def _note_end(self, began: float) -> None:
        self.ended_at = self.world.now
        self.run_wall_s = time.perf_counter() - began

    def _pass_time(self, until_us: int) -> int:
        if not self.checks.is_every_event:
            self._collect()
            return self.world.run(until_us, _SLICE_EVENTS)
        events = self.world.run(until_us, 1)
        self.checks.look()
        return events

    def _collect(self) -> None:
        lost = sum(host.restarts for host in self.world.hosts)
        if lost - self._lost_before < _NODES_LOST:
            collect_fresh()
            return
        self._lost_before = lost
        collect_lost()

    def _healed_at(self) -> int:
        """When all must have recovered from the last fault and attack, as far as is known; time zero without any."""
        if not (self.faults.has_begun or self.attacks.handles):
            return self.began_at
        last_us = max(self.faults.last_us, self.attacks.last_us)
        if self.attacks.handles and self.mined_until:
            last_us = max(last_us, self.mined_until - self.began_at)
        return self.began_at + last_us + round(self.scenario.check.heal_s * SECOND_US)

    # --- looking ---

    def best_tip(self) -> BlockHash:
        """The tip that most honest nodes stand on."""
        counts: dict[BlockHash, int] = {}
        for host in self.honest:
            if host.node is not None:
                tip = host.node.view.tree.tip.hash
                counts[tip] = counts.get(tip, 0) + 1
        return max(counts, key=lambda tip: counts[tip])

    def _progress(self, phase: str) -> Progress:
        mining = self.scenario.mining
        share = 0.0
        if mining.blocks:
            share = min(1.0, self.mining.found / mining.blocks)
        elif mining.duration_s:
            share = min(1.0, (self.world.now - self.began_at) / (mining.duration_s * SECOND_US))
        events = self.world.queue.executed - self.setup_events
        return Progress(phase, events, self.world.now - self.began_at, self.recorder.block_count, share)

    # --- building ---

    def _payment_coins(self) -> int:
        """How many coins the payments need: those of some blocks, since coins come back with the block that holds what
        spent them, and what they lose where each makes fewer than it takes."""
        load, mining, spacing_s = self.scenario.transactions, self.scenario.mining, self.scenario.network.spacing_s
        if load is None:
            return 0
        if self.signers.members:
            # A payment starts a block as soon as there may be one.
            spacing_s = float(MIN_INTERVAL_S)
        if load.payer == "wallets":
            return coins_for_wallets(load.senders)
        lasts_s = mining.duration_s or (mining.blocks or 0) * spacing_s
        lost = max(0, load.inputs - load.outputs) * lasts_s
        wanted = math.ceil(load.rate_per_s * (load.inputs * spacing_s * _BLOCKS_FUNDED + lost)) + 100
        return min(wanted, _COINS_MAX)

    def _fund(self) -> Funding:
        payments = 0 if self.signers.members else self._payment_coins()
        wanted = payments + coins_wanted(self.scenario.attacker, self.scenario.network.spacing_s)
        return fund(self.world.book, wanted, self.world.now) if wanted else Funding((), ())

    def _place_hosts(self) -> list[Host]:
        places = self.places
        group_of = {index: name for name, indices in self.scenario.groups.items() for index in indices}
        hosts = []
        for index in range(self.scenario.nodes.count):
            lines = Lines(places.up[index], places.down[index], places.region[index])
            host = self.world.add_host(lines, group=group_of.get(index, ""), chain=self.funding.chain)
            if self._has_own_ledger(host):
                self.world.replace_ledger(host, self._own_ledger(self.funding.chain))
            hosts.append(host)
        for group, indices in zip(self.scenario.nodes.group, self.scenario.groups.values(), strict=True):
            for index in indices:
                hosts[index].cpu_factor = float(group.slow_cpu)
        return hosts

    def _has_own_ledger(self, host: Host) -> bool:
        nodes = self.scenario.nodes
        of_group = next((group.ledger for group in nodes.group if group.name == host.group), None)
        return (of_group or nodes.ledger) == "own"

    def _own_ledger(self, chain: tuple[BlockHash, ...]) -> OwnLedger:
        raws = [raw for block in chain if (raw := self.world.book.block(block)) is not None]
        return OwnLedger(self.world.network, self._verifier, enumerate(raws, 1))

    def _empty_disk(self, host: Host) -> Ledger:
        return self._own_ledger(()) if self._has_own_ledger(host) else SharedLedger(self.world.book)

    def _take_grants(self, granted: GrantWatch) -> None:
        """The coins that block 1 pays. Raises SetupFailed."""
        before = self.world.queue.executed
        coins = granted.wait(self.honest, self._granted)
        self.setup_events += self.world.queue.executed - before
        if not coins:
            raise SetupFailed("block 1, which pays the coins, did not come to every node: are enough members honest?")
        self._wallet_coins = coins
        if isinstance(self.load, PaymentLoad):
            self.load.give(coins)

    def _prepare(self, wallets: Wallets) -> None:
        """Every node its wallet, and senders their coins. Raises SetupFailed."""
        before = self.world.queue.executed
        load = self.scenario.transactions
        wallets.make()
        is_funded = load is None or load.payer != "wallets" or wallets.fund(load.senders, self._wallet_coins)
        self.setup_events += self.world.queue.executed - before
        if not is_funded:
            raise SetupFailed("the block with the wallets' coins did not come to every node: raise warmup.connect_s")

    def _payments(self, coins: tuple[FundedCoin, ...]) -> PaymentLoad | WalletLoad | None:
        load = self.scenario.transactions
        if load is None:
            return None
        if self.wallets is not None and load.payer == "wallets":
            return WalletLoad(self.world, load, self.wallets, self.recorder, self.scenario.measure.transactions)
        return PaymentLoad(self.world, load, coins, self.recorder, self.scenario.measure.transactions)

    def _errands(self) -> list[ErrandLoad]:
        wanted: tuple[tuple[Errands | None, ErrandKind], ...] = (
            (self.scenario.letters, "letter"),
            (self.scenario.searches, "search"),
        )
        return [
            ErrandLoad(self.world, load, kind, self.honest, self._meant(load.to, kind))
            for load, kind in wanted
            if load is not None
        ]

    def _meant(self, target: Target, kind: ErrandKind) -> list[Host]:
        rng = self.world.rng.stream(f"addressees {kind}")
        indices = target_nodes(target, range(len(self.honest)), self.scenario.groups, rng)
        return [self.honest[index] for index in indices]

    def _sample_regularly(self) -> None:
        measure = self.scenario.measure
        if measure.mempool_every_s is not None:
            self._sample_mempools(round(measure.mempool_every_s * SECOND_US), None)
        if measure.connections_every_s is not None:
            self._sample_connections(round(measure.connections_every_s * SECOND_US), None)

    def _sample_mempools(self, every_us: int, _: object) -> None:
        sizes = [len(host.node.view.mempool) for host in self.honest if host.node is not None]
        if sizes:
            self.recorder.sample("mempool_mean", "transactions", sum(sizes) / len(sizes))
            self.recorder.sample("mempool_max", "transactions", max(sizes))
        self.world.queue.at(self.world.now + every_us, self._sample_mempools, every_us)

    def _sample_connections(self, every_us: int, _: object) -> None:
        counts = [len(host.links) for host in self.honest if host.is_up]
        tips = Counter(host.node.view.tree.tip.hash for host in self.honest if host.node is not None)
        if counts:
            self.recorder.sample("connections_mean", "connections", sum(counts) / len(counts))
            self.recorder.sample("nodes_up", "nodes", len(counts))
            self.recorder.sample("tips", "tips", len(tips))
            self.recorder.sample("converged", "share of nodes", max(tips.values()) / len(counts))
            self.recorder.sample("component", "share of nodes", largest_component(self.honest) / len(counts))
        self.world.queue.at(self.world.now + every_us, self._sample_connections, every_us)
