"""Checks between the keys of a scenario; what one key alone allows is its field's type.

Each raises KeyProblem with the key to change. What the model cannot express is model_limits' part.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from minicoin.core.overlay.forms import FORMS
from minicoin.core.params.models import SettingProblem
from minicoin.core.params.network import OVERLAY
from minicoin.core.records.kinds import KINDS, MaySign
from minicoin.core.rng import Rng
from minicoin.sim.pool_shares import POOL_SHARES
from minicoin.sim.scenario.attackers import (
    DroppingSupers,
    FloodGossip,
    LyingIndexes,
    MinerAttacker,
    PeerAttacker,
    SybilNearKey,
)
from minicoin.sim.scenario.fault_rates import OWN_LEDGER_KINDS, PLAIN_KINDS
from minicoin.sim.scenario.faults import (
    BandwidthCap,
    ClockJump,
    ClockSkew,
    FullDisk,
    LastingFault,
    Partition,
    RegistryLies,
    SlowCpu,
    TornWrite,
)
from minicoin.sim.scenario.fields import (
    COMPLETE_NODES_MAX,
    FULL_BLOCK_BYTES_MAX,
    FULL_NODES_MAX,
    LIBP2P_NODES_MAX,
    SettingsTable,
    micros,
)
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.groups import group_ranges, group_size
from minicoin.sim.scenario.load import Transactions
from minicoin.sim.scenario.model_limits import check_model
from minicoin.sim.scenario.problems import KeyProblem, near_misses
from minicoin.sim.scenario.signers import check_signers
from minicoin.sim.scenario.spans import beginnings, latest_end_s
from minicoin.sim.scenario.targets import ALL, REST, Target, drawn_count, group_name, highest_index, target_nodes

_MODEL_ATTACKED: Final[Mapping[type[SettingsTable], str]] = MappingProxyType(
    {FloodGossip: "gossip", LyingIndexes: "index", DroppingSupers: "supernode", SybilNearKey: "kademlia"}
)
"""What an attacker of one network model needs."""


def check_scenario(form: ScenarioForm) -> None:
    """Raises KeyProblem for the first thing that does not fit."""
    if form.engine == "model":
        check_model(form)
    else:
        _check_full_engine(form)
    _check_groups(form)
    check_signers(form)
    _check_topology(form)
    _check_links(form)
    if form.engine == "full":
        _check_errands(form)
        _check_records(form)
    _check_transport(form)
    _check_warmup(form)
    _check_mining(form)
    _check_load(form)
    _check_times(form)
    _check_targets(form)
    _check_faults(form)
    _check_attackers(form)


def _check_full_engine(form: ScenarioForm) -> None:
    if form.nodes.count > FULL_NODES_MAX:
        raise KeyProblem("nodes.count", f"full node code runs at most {FULL_NODES_MAX:,} nodes; use engine = 'model'")
    if form.links.discipline != "fifo":
        raise KeyProblem("links.discipline", f"{form.links.discipline} needs engine = 'model'; real nodes send fifo")
    if form.links.control_ms:
        raise KeyProblem("links.control_ms", "needs engine = 'model'; with real nodes every message has its own way")
    if form.network.relay != "announce":
        raise KeyProblem("network.relay", f"{form.network.relay} needs engine = 'model'; real nodes announce")
    _check_overlay(form)
    if form.network.block_bytes > FULL_BLOCK_BYTES_MAX:
        allowed = f"blocks without witnesses have at most {FULL_BLOCK_BYTES_MAX:,} bytes"
        raise KeyProblem("network.block_bytes", f"{allowed} by the nodes' own rules; use engine = 'model'")
    if "model" in form.model_fields_set:
        raise KeyProblem("model", "is read with engine = 'model' only")


def _check_groups(form: ScenarioForm) -> None:
    names: list[str] = []
    used = 0
    for place, group in enumerate(form.nodes.group):
        path = f"nodes.group[{place}]"
        if (group.count is None) == (group.share is None):
            raise KeyProblem(f"{path}.count", "give either count or share")
        if group.name in names or group.name in (ALL, REST):
            raise KeyProblem(f"{path}.name", f"{group.name!r} is taken; every group needs a name of its own")
        if group.region is not None and form.links.geography == "uniform":
            raise KeyProblem(f"{path}.region", "geography = 'uniform' has no regions")
        names.append(group.name)
        used += group_size(group, form.nodes.count)
        if used > form.nodes.count:
            raise KeyProblem(f"{path}.count", f"the groups need {used:,} nodes; nodes.count is {form.nodes.count:,}")


def _check_topology(form: ScenarioForm) -> None:
    topology, count = form.topology, form.nodes.count
    given = topology.model_fields_set
    if (topology.source == "static") != (topology.degrees is not None):
        raise KeyProblem("topology.degrees", "source = 'static' needs degrees, and no other source reads them")
    if topology.degrees is not None and len(topology.degrees) > count:
        raise KeyProblem("topology.degrees", f"has {len(topology.degrees)} numbers for {count} nodes")
    if "outbound" in given and topology.source not in ("random", "addrman"):
        raise KeyProblem("topology.outbound", f"is read by random and addrman only, not by {topology.source}")
    for key in ("seed_nodes", "tells_addresses"):
        if key in given and topology.source != "addrman":
            raise KeyProblem(f"topology.{key}", f"is read by addrman only, not by {topology.source}")
    if "outbound" in given and topology.outbound >= count:
        raise KeyProblem("topology.outbound", f"{topology.outbound} links, but a node has {count - 1} others")
    for place, degree in enumerate(topology.degrees or ()):
        if degree >= count:
            raise KeyProblem(f"topology.degrees[{place}]", f"{degree} links, but a node has {count - 1} others")
    for place, node in enumerate(topology.seed_nodes):
        _check_index(f"topology.seed_nodes[{place}]", node, count)
    if topology.source == "gervais" and count <= 2 * len(POOL_SHARES):
        raise KeyProblem("topology.source", f"gervais needs more than {2 * len(POOL_SHARES)} nodes, not {count}")
    if topology.source == "complete" and count > COMPLETE_NODES_MAX:
        raise KeyProblem("topology.source", f"complete is for at most {COMPLETE_NODES_MAX:,} nodes, not {count:,}")


def _check_links(form: ScenarioForm) -> None:
    links = form.links
    uniform = links.geography == "uniform"
    if uniform != (links.latency_ms is not None):
        raise KeyProblem("links.latency_ms", "geography = 'uniform' needs it, and no other geography reads it")
    if uniform and (links.latency or links.latency_drawn):
        raise KeyProblem("links.latency", "geography = 'uniform' has the same fixed latency everywhere")
    if links.latency_drawn is not None and links.latency == "fixed":
        raise KeyProblem("links.latency_drawn", "a fixed latency is not drawn; links.latency = 'pareto' is")
    for key, cause in (("retransmit_ms", "loss"), ("reorder_ms", "reorder")):
        if key in links.model_fields_set and not getattr(links, cause):
            raise KeyProblem(f"links.{key}", f"is read where links.{cause} is above 0 only")
    if links.loss + links.reorder >= 1:
        raise KeyProblem("links.loss", "loss and reorder together must be below 1")


def _check_overlay(form: ScenarioForm) -> None:
    name = form.network.overlay
    model = FORMS.get(name)
    if model is None:
        raise KeyProblem("network.overlay", f"no network model {name!r}; there are {', '.join(FORMS)}")
    if name != OVERLAY and form.topology.source != "addrman":
        allowed = "chooses its own connections; it needs topology.source = 'addrman'"
        raise KeyProblem("network.overlay", f"{name} {allowed}, not {form.topology.source!r}")
    if model.needs_messages and form.links.transport == "plain":
        raise KeyProblem("links.transport", f"plain links carry no peer ids; {name} needs 'named' or 'libp2p'")
    try:
        model.check(form.network.overlay_settings)
    except SettingProblem as problem:
        raise KeyProblem(f"network.overlay_settings.{problem.name}", problem.problem) from problem
    for place, group in enumerate(form.nodes.group):
        if group.role is not None and group.role not in model.roles:
            there_are = ", ".join(model.roles)
            raise KeyProblem(f"nodes.group[{place}].role", f"no role {group.role!r} in {name}; there are {there_are}")


def _check_errands(form: ScenarioForm) -> None:
    """Letters are minicoin's own messages; both they and searches are for peer ids."""
    for key, load in (("letters", form.letters), ("searches", form.searches)):
        if load is not None and form.links.transport == "plain":
            raise KeyProblem(key, "plain links carry no peer ids: use links.transport = 'named' or 'libp2p'")
    if form.letters is not None and not (form.network.own_messages or FORMS[form.network.overlay].needs_messages):
        raise KeyProblem("letters", "are minicoin's own messages: set network.own_messages = true")


def _check_records(form: ScenarioForm) -> None:
    """Records are minicoin's own messages, signed with the keys of peer ids."""
    load = form.records
    if load is None:
        return
    if form.links.transport == "plain":
        raise KeyProblem("records", "are signed by peer ids: use links.transport = 'named' or 'libp2p'")
    if not (form.network.own_messages or FORMS[form.network.overlay].needs_messages):
        raise KeyProblem("records", "are minicoin's own messages: set network.own_messages = true")
    open_kinds = [kind.name for kind in KINDS.values() if kind.may_sign is MaySign.ANY_NODE]
    if load.kind not in open_kinds:
        raise KeyProblem("records.kind", f"any node may sign {', '.join(open_kinds)}; not {load.kind!r}")
    most = KINDS[load.kind].value_bytes_max
    if load.value_bytes > most:
        raise KeyProblem("records.value_bytes", f"a record of kind {load.kind} has at most {most:,} bytes")
    if load.publishers is not None and load.publishers > form.nodes.count:
        raise KeyProblem("records.publishers", f"{load.publishers} publish, but there are {form.nodes.count} nodes")


def _check_transport(form: ScenarioForm) -> None:
    """Over libp2p no message is to be seen on its way, so none can be repeated, overtaken or changed."""
    if form.links.transport != "libp2p":
        return
    if form.nodes.count > LIBP2P_NODES_MAX:
        most = f"libp2p is for at most {LIBP2P_NODES_MAX:,} nodes, not {form.nodes.count:,}"
        raise KeyProblem("links.transport", f"{most}: every connection runs real cryptography")
    why = "happens to single messages, and libp2p's connections show none: use links.transport = 'plain'"
    for place, fault in enumerate(form.fault):
        if fault.kind in PLAIN_KINDS:
            raise KeyProblem(f"fault[{place}].kind", f"{fault.kind} {why}")
    for kind in form.faults.random.per_hour if form.faults.random is not None else ():
        if kind in PLAIN_KINDS:
            raise KeyProblem(f"faults.random.per_hour.{kind}", f"{kind} {why}")
    for place, group in enumerate(form.nodes.group):
        if group.version != "current":
            raise KeyProblem(f"nodes.group[{place}].version", f"an older version {why}")


def _check_warmup(form: ScenarioForm) -> None:
    """A connection that begins behind the handshake is one of two nodes that would have agreed in it."""
    if form.warmup.start == "handshake":
        return
    if form.links.transport == "libp2p":
        raise KeyProblem("warmup.start", "a handshake of libp2p is real cryptography; use start = 'handshake'")
    if any(group.version != "current" for group in form.nodes.group):
        raise KeyProblem("warmup.start", "an older version is one that negotiates otherwise; use start = 'handshake'")
    if "seed_nodes" in form.topology.model_fields_set:
        raise KeyProblem("topology.seed_nodes", "with warmup.start = 'connected' every node knows some of all others")


def _check_mining(form: ScenarioForm) -> None:
    mining, count = form.mining, form.nodes.count
    if mining.at:
        if {"miners", "hash_shares", "blocks", "start_s"} & mining.model_fields_set:
            raise KeyProblem("mining.at", "a fixed schedule takes the place of blocks, start_s, miners and hash_shares")
        for place, block in enumerate(mining.at):
            _check_index(f"mining.at[{place}].node", block.node, count)
            _check_inside(f"mining.at[{place}].time_s", block.time_s, form)
    elif mining.blocks is None and mining.duration_s is None:
        raise KeyProblem("mining.blocks", "say when mining ends: blocks, duration_s, or a schedule of [[mining.at]]")
    if mining.duration_s is not None and mining.start_s >= mining.duration_s:
        raise KeyProblem("mining.start_s", f"{mining.start_s:g} is not before the end of mining (duration_s)")
    if mining.miners is not None and mining.miners > count:
        raise KeyProblem("mining.miners", f"{mining.miners} miners, but there are {count} nodes")
    if mining.miners is not None and mining.hash_shares != "equal":
        raise KeyProblem("mining.miners", "is read with hash_shares = 'equal' only; the shares say how many miners")
    _check_hash_shares(form)


def _check_hash_shares(form: ScenarioForm) -> None:
    shares, count = form.mining.hash_shares, form.nodes.count
    if isinstance(shares, tuple):
        if not 0 < len(shares) <= count:
            raise KeyProblem("mining.hash_shares", f"has {len(shares)} numbers, but there are {count} nodes")
        if sum(shares) <= 0:
            raise KeyProblem("mining.hash_shares", "nobody has any hash power")
    if shares == "gervais" and count < len(POOL_SHARES):
        raise KeyProblem("mining.hash_shares", f"gervais has {len(POOL_SHARES)} pools, but there are {count} nodes")
    of_groups = [group.hash_share for group in form.nodes.group if group.hash_share is not None]
    if of_groups and shares != "groups":
        raise KeyProblem("nodes.group.hash_share", "is read with mining.hash_shares = 'groups' only")
    if shares == "groups" and not of_groups:
        raise KeyProblem("mining.hash_shares", "'groups' needs a hash_share in a [[nodes.group]]")
    if sum(of_groups) > 1 + 1e-9:
        raise KeyProblem("nodes.group.hash_share", f"the groups have {sum(of_groups):g} of the hash power together")


def _check_load(form: ScenarioForm) -> None:
    if form.transactions is None:
        if form.measure.transactions:
            raise KeyProblem("measure.transactions", "there is no [transactions] table, so nothing to follow")
    elif form.transactions.senders > form.nodes.count:
        senders, count = form.transactions.senders, form.nodes.count
        raise KeyProblem("transactions.senders", f"{senders} senders, but there are {count} nodes")
    else:
        _check_payer(form, form.transactions)
    if form.churn is not None and all(
        node in {block.node for block in form.mining.at} for node in range(form.nodes.count)
    ):
        raise KeyProblem("churn", "every node mines a block of the schedule, and those stay")


def _check_payer(form: ScenarioForm, load: Transactions) -> None:
    if load.payer == "anybody":
        return
    if not form.nodes.wallets:
        raise KeyProblem("transactions.payer", "wallets pay where nodes have one: set nodes.wallets = true")
    if form.nodes.count < 2:
        raise KeyProblem("transactions.payer", "a wallet pays that of another node, and there is one node only")
    for key in ("inputs", "outputs", "tx_bytes"):
        if key in load.model_fields_set:
            raise KeyProblem(f"transactions.{key}", "is read with payer = 'anybody' only: a wallet chooses its coins")


def _check_times(form: ScenarioForm) -> None:
    """An end comes after its beginning, and both lie inside the run where its length is known."""
    ends = [
        ("transactions.stop_s", form.transactions and (form.transactions.start_s, form.transactions.stop_s)),
        ("records.stop_s", form.records and (form.records.start_s, form.records.stop_s)),
        ("letters.stop_s", form.letters and (form.letters.start_s, form.letters.stop_s)),
        ("searches.stop_s", form.searches and (form.searches.start_s, form.searches.stop_s)),
        ("churn.stop_s", form.churn and (form.churn.start_s, form.churn.stop_s)),
        ("faults.random.stop_s", form.faults.random and (form.faults.random.start_s, form.faults.random.stop_s)),
    ]
    for path, span in ends:
        if span and span[1] is not None and span[1] <= span[0]:
            raise KeyProblem(path, f"{span[1]:g} is not after start_s ({span[0]:g})")
    for place, fault in enumerate(form.fault):
        if isinstance(fault, LastingFault):
            _check_until(f"fault[{place}]", fault.at_s, fault.until_s)
    for place, attacker in enumerate(form.attacker):
        _check_until(f"attacker[{place}]", attacker.at_s, attacker.until_s)
    for path, at_s in beginnings(form):
        _check_inside(path, at_s, form)
    for key in ("ping_after_s", "drop_after_s"):
        after_s: float = getattr(form.network, key)
        if not after_s.is_integer():
            raise KeyProblem(f"network.{key}", f"nodes keep it in whole seconds, not {after_s:g}")
    if form.network.drop_after_s <= form.network.ping_after_s:
        raise KeyProblem("network.drop_after_s", f"must be greater than ping_after_s ({form.network.ping_after_s:g})")


def _check_until(name: str, at_s: float, until_s: float | None) -> None:
    if until_s is not None and until_s <= at_s:
        raise KeyProblem(f"{name}.until_s", f"{until_s:g} is not after at_s ({at_s:g})")


def _check_inside(path: str, at_s: float, form: ScenarioForm) -> None:
    end_s = latest_end_s(form)
    if at_s > end_s:
        raise KeyProblem(path, f"{at_s:g} lies after the end of mining, which comes after at most {end_s:,.0f} s")


def _check_targets(form: ScenarioForm) -> None:
    for path, target in _targets(form):
        check_target(path, target, form)


def _targets(form: ScenarioForm) -> Iterator[tuple[str, Target]]:
    for place, fault in enumerate(form.fault):
        yield from (((f"fault[{place}].{key}", value)) for key, value in _target_keys(fault))
    for key, load in (("letters", form.letters), ("searches", form.searches)):
        if load is not None:
            yield f"{key}.to", load.to
    for place, attacker in enumerate(form.attacker):
        if isinstance(attacker, PeerAttacker):
            yield f"attacker[{place}].target", attacker.target


def _target_keys(fault: SettingsTable) -> Iterator[tuple[str, Target]]:
    for key in ("nodes", "peers"):
        value: Target | None = getattr(fault, key, None)
        if value is not None:
            yield key, value
    if isinstance(fault, Partition):
        yield from ((f"groups[{number}]", group) for number, group in enumerate(fault.groups))


def check_target(path: str, target: Target, form: ScenarioForm) -> None:
    """Raises KeyProblem unless the scenario has the nodes that `target` means."""
    count = form.nodes.count
    _check_index(path, highest_index(target), count)
    draws = drawn_count(target, count)
    if draws is not None and draws > count:
        raise KeyProblem(path, f"draws {draws} nodes, but there are {count}")
    name = group_name(target)
    if name is None or (name == REST and ".groups[" in path):
        return
    known = list(group_ranges(form.nodes))
    if name not in known:
        nearest = near_misses(name, [*known, ALL])
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"groups are {', '.join(known) or 'not defined'}"
        raise KeyProblem(path, f"no group {name!r}; {hint}")


def _check_index(path: str, index: int, count: int) -> None:
    if index >= count:
        raise KeyProblem(path, f"there is no node {index}: {count} nodes have the indices 0 to {count - 1}")


def _check_faults(form: ScenarioForm) -> None:
    for place, fault in enumerate(form.fault):
        path = f"fault[{place}]"
        if isinstance(fault, (TornWrite, FullDisk)):
            _check_own_ledger(f"{path}.nodes", fault.kind, fault.nodes, form)
        if isinstance(fault, BandwidthCap) and fault.up_mbit is None and fault.down_mbit is None:
            raise KeyProblem(f"{path}.up_mbit", "give up_mbit, down_mbit or both")
        if isinstance(fault, ClockSkew) and not micros(fault.offset_s) and not fault.drift_ppm:
            raise KeyProblem(f"{path}.offset_s", "give offset_s, drift_ppm or both; a clock counts microseconds")
        if isinstance(fault, ClockJump) and not micros(fault.by_s):
            raise KeyProblem(f"{path}.by_s", "a jump by nothing is none; a clock counts microseconds")
        if isinstance(fault, SlowCpu) and fault.factor == 1:
            raise KeyProblem(f"{path}.factor", "1 is as fast as before; say how many times longer")
        if isinstance(fault, Partition):
            _check_partition(path, fault, form)
        if isinstance(fault, RegistryLies):
            _check_registry(f"{path}.kind", form)
    if form.faults.random is not None:
        if not form.faults.random.per_hour:
            raise KeyProblem("faults.random.per_hour", "names no kind of fault")
        for kind in form.faults.random.per_hour:
            if kind in OWN_LEDGER_KINDS:
                _check_own_ledger(f"faults.random.per_hour.{kind}", kind, ALL, form)


def _check_registry(path: str, form: ScenarioForm) -> None:
    if form.topology.source != "addrman":
        raise KeyProblem(path, "needs topology.source = 'addrman': nodes of a given topology look for nobody")
    if form.links.transport == "plain":
        raise KeyProblem(path, "a registry names peer ids: links.transport must be 'named' or 'libp2p'")


def _check_own_ledger(path: str, kind: str, target: Target, form: ScenarioForm) -> None:
    if form.nodes.ledger == "own":
        return
    own = [group.name for group in form.nodes.group if group.ledger == "own"]
    spans = group_ranges(form.nodes)
    nodes = _named_nodes(target, form)
    if not nodes or any(all(node not in spans[name] for name in own) for node in nodes):
        raise KeyProblem(path, f"{kind} happens in a node's own store: set nodes.ledger = 'own', or that of its group")


def _check_partition(path: str, fault: Partition, form: ScenarioForm) -> None:
    if list(fault.groups).count(REST) > 1:
        raise KeyProblem(f"{path}.groups", "holds 'rest' twice")
    if ALL in fault.groups:
        raise KeyProblem(f"{path}.groups", "holds 'all', which leaves nothing for the other groups; write 'rest'")
    drawn = sum(drawn_count(group, form.nodes.count) or 0 for group in fault.groups)
    if drawn > form.nodes.count:
        raise KeyProblem(f"{path}.groups", f"the groups draw {drawn} nodes, but there are {form.nodes.count}")
    named: dict[int, None] = {}
    for group in fault.groups:
        for node in _named_nodes(group, form):
            if node in named:
                raise KeyProblem(f"{path}.groups", f"node {node} is in two groups")
            named[node] = None


def _named_nodes(target: Target, form: ScenarioForm) -> tuple[int, ...]:
    if target == REST or drawn_count(target, 1) is not None:
        return ()
    return target_nodes(target, range(form.nodes.count), group_ranges(form.nodes), Rng(b""))


def _check_attackers(form: ScenarioForm) -> None:
    for place, attacker in enumerate(form.attacker):
        model = _MODEL_ATTACKED.get(type(attacker), form.network.overlay)
        if model != form.network.overlay:
            raise KeyProblem(f"attacker[{place}].kind", f"{attacker.kind} needs network.overlay = '{model}'")
        if isinstance(attacker, SybilNearKey):
            _check_index(f"attacker[{place}].victim", attacker.victim, form.nodes.count)
    shares = [attacker.hash_share for attacker in form.attacker if isinstance(attacker, MinerAttacker)]
    if sum(shares) >= 1:
        raise KeyProblem("attacker.hash_share", f"the attackers have {sum(shares):g} of the hash power; leave some")
    if shares and form.mining.at:
        raise KeyProblem("mining.at", "a fixed schedule leaves nothing to attackers with hash power")
