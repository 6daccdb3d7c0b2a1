"""Keys that do not fit each other are refused, with the key to change."""

import pytest

from minicoin.core.overlay.table import OVERLAYS
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario

TOP = 'name = "a"\nquestion = "b"\n'
NODES = "[nodes]\ncount = 10\n"
MINING = "[mining]\nblocks = 3\n"
BASE = TOP + NODES + MINING
LIBP2P = '[links]\ntransport = "libp2p"\n'
KADEMLIA = '[network]\noverlay = "kademlia"\n[topology]\nsource = "addrman"\n[links]\ntransport = "named"\n'
GROUP = '[[nodes.group]]\nname = "g"\ncount = 4\n'


def fault(kind: str, keys: str = "") -> str:
    return f'[[fault]]\nkind = "{kind}"\nat_s = 5\n{keys}\n'


def partition(groups: str) -> str:
    return BASE + GROUP + fault("partition", f"groups = {groups}")


CASES = {
    "nodes.count: full node code runs at most 200,000": TOP + "[nodes]\ncount = 300_000\n" + MINING,
    "network.block_bytes: blocks without witnesses have at most 1,000,000 bytes": (
        BASE + "[network]\nblock_bytes = 1_000_001"
    ),
    "links.discipline: stop-and-wait needs engine = 'model'": BASE + '[links]\ndiscipline = "stop-and-wait"',
    "network.relay: all-push needs engine = 'model'": BASE + '[network]\nrelay = "all-push"',
    f"network.overlay: no network model 'nonsense'; there are {', '.join(OVERLAYS)}": (
        BASE + '[network]\noverlay = "nonsense"\n[topology]\nsource = "addrman"'
    ),
    "network.overlay: everybody chooses its own connections; it needs topology.source = 'addrman', not 'random'": (
        BASE + '[network]\noverlay = "everybody"'
    ),
    "model: is read with engine = 'model' only": BASE + "[model]\nblock_extra_ms = 1",
    "nodes.group[0].count: give either count or share": BASE + '[[nodes.group]]\nname = "g"',
    "nodes.group[1].name: 'g' is taken": BASE + GROUP + GROUP,
    "nodes.group[0].name: 'all' is taken": BASE + '[[nodes.group]]\nname = "all"\ncount = 1',
    "nodes.group[0].count: the groups need 11 nodes": BASE + '[[nodes.group]]\nname = "g"\ncount = 11',
    "nodes.group[0].region: geography = 'uniform' has no regions": (
        BASE + GROUP + 'region = "EU"\n[links]\ngeography = "uniform"\nlatency_ms = 5'
    ),
    "topology.degrees: source = 'static' needs degrees": BASE + '[topology]\nsource = "static"',
    "topology.degrees: source = 'static' needs degrees, and no other": BASE + "[topology]\ndegrees = [1]",
    "topology.degrees: has 11 numbers": BASE + f'[topology]\nsource = "static"\ndegrees = {[1] * 11}',
    "topology.outbound: is read by random and addrman only": BASE + '[topology]\nsource = "ring"\noutbound = 2',
    "topology.seed_nodes: is read by addrman only": BASE + "[topology]\nseed_nodes = [1]",
    "topology.tells_addresses: is read by addrman only": BASE + "[topology]\ntells_addresses = false",
    "warmup.start: a handshake of libp2p is real cryptography": BASE + LIBP2P + '[warmup]\nstart = "connected"',
    "warmup.start: an older version is one that negotiates": (
        BASE + GROUP + 'version = "before-sendheaders"\n[warmup]\nstart = "connected"'
    ),
    "topology.seed_nodes: with warmup.start = 'connected'": (
        BASE + '[topology]\nsource = "addrman"\nseed_nodes = [1]\n[warmup]\nstart = "connected"'
    ),
    "topology.seed_nodes[1]: there is no node 10": BASE + '[topology]\nsource = "addrman"\nseed_nodes = [1, 10]',
    "topology.source: gervais needs more than 32 nodes": BASE + '[topology]\nsource = "gervais"',
    "topology.source: complete is for at most 2,000": (
        TOP + '[nodes]\ncount = 2001\n[topology]\nsource = "complete"\n' + MINING
    ),
    "links.latency_ms: geography = 'uniform' needs it": BASE + '[links]\ngeography = "uniform"',
    "links.latency_ms: geography = 'uniform' needs it, and no other": BASE + "[links]\nlatency_ms = 5",
    "links.latency: geography = 'uniform' has the same": (
        BASE + '[links]\ngeography = "uniform"\nlatency_ms = 5\nlatency = "pareto"'
    ),
    "topology.outbound: 60 links, but a node has 9 others": BASE + "[topology]\noutbound = 60",
    "topology.degrees[1]: 10 links, but a node has 9 others": (
        BASE + '[topology]\nsource = "static"\ndegrees = [1, 10]'
    ),
    "links.latency_drawn: a fixed latency is not drawn": (
        BASE + '[links]\nlatency = "fixed"\nlatency_drawn = "per_link"'
    ),
    "links.retransmit_ms: is read where links.loss is above 0": BASE + "[links]\nretransmit_ms = 100",
    "links.reorder_ms: is read where links.reorder is above 0": BASE + "[links]\nreorder_ms = 100",
    "fault[0].at_s: 100000 lies after the end of mining, which comes after at most": (
        BASE + fault("reset").replace("at_s = 5", "at_s = 100_000")
    ),
    "fault[0].at_s: 5 lies after the end of mining, which comes after at most 0 s": (
        TOP + NODES + "[mining]\nblocks = 0\n" + fault("reset")
    ),
    "fault[0].at_s: 5 lies after the end of mining, which comes after at most 4 s": (
        TOP + NODES + "[mining]\nat = [{time_s = 4, node = 1}]\n" + fault("reset")
    ),
    "attacker[0].at_s: 100000 lies after the end of mining": (BASE + '[[attacker]]\nkind = "sybil"\nat_s = 100_000'),
    "transactions.start_s: 100000 lies after": BASE + "[transactions]\nrate_per_s = 1\nstart_s = 100_000",
    "churn.start_s: 100000 lies after": BASE + "[churn]\nsession_s = 1\nrejoin_s = 1\nstart_s = 100_000",
    "faults.random.start_s: 100000 lies after": (
        BASE + "[faults.random]\nstart_s = 100_000\n[faults.random.per_hour]\ncrash = 1"
    ),
    "churn: every node mines a block of the schedule": (
        TOP + "[nodes]\ncount = 1\n[mining]\nat = [{time_s = 9, node = 0}]\n[churn]\nsession_s = 1\nrejoin_s = 1"
    ),
    "fault[0].by_s: a jump by nothing is none": BASE + fault("clock-jump", "nodes = [1]\nby_s = 0"),
    "fault[0].offset_s: give offset_s, drift_ppm or both; a clock": (
        BASE + fault("clock-skew", "nodes = [1]\noffset_s = 1e-9")
    ),
    "fault[0].factor: 1 is as fast as before": BASE + fault("slow-cpu", "nodes = [1]\nfactor = 1"),
    "network.ping_after_s: nodes keep it in whole seconds, not 0.4": BASE + "[network]\nping_after_s = 0.4",
    "network.drop_after_s: nodes keep it in whole seconds, not 300.5": BASE + "[network]\ndrop_after_s = 300.5",
    "links.loss: loss and reorder together": BASE + "[links]\nloss = 0.5\nreorder = 0.5",
    "mining.blocks: say when mining ends": TOP + NODES + "[mining]\nstart_s = 1",
    "mining.miners: 11 miners, but there are 10 nodes": BASE + "miners = 11",
    "mining.miners: is read with hash_shares = 'equal' only": BASE + "miners = 2\nhash_shares = [1, 1]",
    "mining.hash_shares: has 11 numbers": BASE + f"hash_shares = {[0.01] * 11}",
    "mining.hash_shares: has 0 numbers": BASE + "hash_shares = []",
    "mining.hash_shares: nobody has any hash power": BASE + "hash_shares = [0, 0]",
    "mining.hash_shares: gervais has 16 pools": BASE + 'hash_shares = "gervais"',
    "mining.hash_shares: 'groups' needs a hash_share": BASE + 'hash_shares = "groups"',
    "nodes.group.hash_share: is read with": BASE + GROUP + "hash_share = 0.5",
    "nodes.group.hash_share: the groups have 1.2": (
        BASE
        + 'hash_shares = "groups"\n'
        + GROUP
        + "hash_share = 0.6\n"
        + GROUP.replace('"g"', '"h"')
        + "hash_share = 0.6"
    ),
    "mining.at: a fixed schedule takes the place": BASE + "at = [{time_s = 1, node = 1}]",
    "mining.at: a fixed schedule takes the place of blocks, start_s": (
        TOP + NODES + "[mining]\nstart_s = 1\nat = [{time_s = 1, node = 1}]"
    ),
    "mining.start_s: 5 is not before": TOP + NODES + "[mining]\nstart_s = 5\nduration_s = 5",
    "mining.at[0].node: there is no node 10": TOP + NODES + "[mining]\nat = [{time_s = 1, node = 10}]",
    "mining.at[0].time_s: 6 lies after the end of mining": (
        TOP + NODES + "[mining]\nduration_s = 5\nat = [{time_s = 6, node = 1}]"
    ),
    "transactions.senders: 11 senders": BASE + "[transactions]\nrate_per_s = 1\nsenders = 11",
    "transactions.payer: wallets pay where nodes have one: set nodes.wallets = true": (
        BASE + '[transactions]\nrate_per_s = 1\npayer = "wallets"'
    ),
    "transactions.payer: a wallet pays that of another node, and there is one node only": (
        TOP + "[nodes]\ncount = 1\nwallets = true\n" + MINING + '[transactions]\nrate_per_s = 1\npayer = "wallets"'
    ),
    "transactions.outputs: is read with payer = 'anybody' only": (
        TOP + NODES + "wallets = true\n" + MINING + '[transactions]\nrate_per_s = 1\npayer = "wallets"\noutputs = 2'
    ),
    "links.transport: libp2p is for at most 1,000 nodes, not 1,001": (
        TOP + "[nodes]\ncount = 1_001\n" + MINING + '[links]\ntransport = "libp2p"'
    ),
    "fault[0].kind: duplicate happens to single messages": BASE + LIBP2P + fault("duplicate", "probability = 0.1"),
    "fault[0].kind: version-skew happens to single messages": (
        BASE + LIBP2P + fault("version-skew", 'nodes = [1]\nversion = "before-sendheaders"')
    ),
    "faults.random.per_hour.reorder: reorder happens to single messages": (
        BASE + LIBP2P + "[faults.random]\nper_hour = {reorder = 1}"
    ),
    "nodes.group[0].version: an older version happens to single messages": (
        BASE + GROUP + 'version = "before-sendheaders"\n' + LIBP2P
    ),
    "measure.transactions: there is no [transactions] table": BASE + "[measure]\ntransactions = 0.5",
    "transactions.stop_s: 5 is not after start_s (6)": (
        BASE + "[transactions]\nrate_per_s = 1\nstart_s = 6\nstop_s = 5"
    ),
    "churn.stop_s: 5 is not after start_s (5)": (
        BASE + "[churn]\nsession_s = 9\nrejoin_s = 9\nstart_s = 5\nstop_s = 5"
    ),
    "faults.random.stop_s: 5 is not after start_s (6)": (
        BASE + "[faults.random]\nstart_s = 6\nstop_s = 5\nper_hour = {crash = 1}"
    ),
    "faults.random.per_hour: names no kind of fault": BASE + "[faults.random]\nper_hour = {}",
    "faults.random.per_hour.torn-write: torn-write happens in a node's own store": (
        BASE + "[faults.random]\nper_hour = {torn-write = 1}"
    ),
    "network.drop_after_s: must be greater": BASE + "[network]\nping_after_s = 9\ndrop_after_s = 9",
    "fault[0].until_s: 5 is not after at_s (5)": BASE + fault("loss", "probability = 0.1\nuntil_s = 5"),
    "fault[0].at_s: 5 lies after the end of mining": (
        TOP + NODES + "[mining]\nduration_s = 4\n" + fault("loss", "probability = 0.1")
    ),
    "attacker[0].until_s: 5 is not after at_s (6)": BASE + '[[attacker]]\nkind = "sybil"\nat_s = 6\nuntil_s = 5',
    "fault[0].nodes: there is no node 10": BASE + fault("crash", "nodes = [3, 10]"),
    "fault[0].nodes: there is no node 12": BASE + fault("crash", 'nodes = "3..12"'),
    "fault[0].nodes: draws 11 nodes": BASE + fault("crash", 'nodes = "random:11"'),
    "fault[0].nodes: no group 'gg'; did you mean g?": BASE + GROUP + fault("crash", 'nodes = "gg"'),
    "fault[0].nodes: no group 'rest'": BASE + GROUP + fault("crash", 'nodes = "rest"'),
    "fault[0].peers: there is no node 10": BASE + fault("loss", "probability = 0.1\npeers = [10]"),
    "attacker[0].target: no group 'x'": BASE + '[[attacker]]\nkind = "sybil"\ntarget = "x"',
    "attacker[0].kind: flood-gossip needs network.overlay = 'gossip'": (
        BASE + '[[attacker]]\nkind = "flood-gossip"\nrate_per_s = 1.0\n'
    ),
    "attacker[0].kind: lying-index needs network.overlay = 'index'": (
        BASE + '[[attacker]]\nkind = "lying-index"\nlie = "invents"\n'
    ),
    "attacker[0].kind: dropping-super needs network.overlay = 'supernode'": (
        BASE + '[[attacker]]\nkind = "dropping-super"\n'
    ),
    "attacker[0].kind: sybil-near-key needs network.overlay = 'kademlia'": (
        BASE + '[[attacker]]\nkind = "sybil-near-key"\nvictim = 0\n'
    ),
    "attacker[0].victim: there is no node 10": (
        BASE + KADEMLIA + '[[attacker]]\nkind = "sybil-near-key"\nvictim = 10\n'
    ),
    "letters.to: there is no node 10": BASE + KADEMLIA + "[letters]\nrate_per_s = 1.0\nto = [10]\n",
    "fault[0].nodes: torn-write happens in a node's own store": BASE + fault("torn-write", "nodes = [1]"),
    "fault[0].nodes: full-disk happens in a node's own store": (
        BASE + GROUP + 'ledger = "own"\n' + fault("full-disk", "nodes = [3, 4]")
    ),
    "fault[0].up_mbit: give up_mbit, down_mbit or both": BASE + fault("bandwidth-cap"),
    "fault[0].offset_s: give offset_s, drift_ppm or both": BASE + fault("clock-skew", "nodes = [1]"),
    "fault[0].groups: holds 'rest' twice": partition('["rest", "rest"]'),
    "fault[0].groups: holds 'all'": partition('["all", "rest"]'),
    "fault[0].groups: the groups draw 12 nodes": partition("[0.6, 0.6]"),
    "fault[0].groups: node 3 is in two groups": partition('["g", [3, 5]]'),
    "fault[0].groups[1]: there is no node 10": partition('["g", [10]]'),
    "fault[0].groups[0]: no group 'h'": partition('["h", "rest"]'),
    "attacker.hash_share: the attackers have 1.2": (
        BASE + 2 * '[[attacker]]\nkind = "selfish-miner"\nhash_share = 0.6\n'
    ),
    "mining.at: a fixed schedule leaves nothing": (
        TOP + NODES + "[mining]\nat = [{time_s = 1, node = 1}]\n"
        '[[attacker]]\nkind = "withhold-blocks"\nhash_share = 0.6\n'
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_what_does_not_fit_is_refused(message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(CASES[message], "f.toml")
    assert str(caught.value).startswith(f"f.toml: {message}")


FITTING = {
    "schedule alone": TOP + NODES + "[mining]\nat = [{time_s = 1, node = 9}]",
    "uniform": BASE + '[links]\ngeography = "uniform"\nlatency_ms = 50',
    "own ledger of a group": BASE + GROUP + 'ledger = "own"\n' + fault("torn-write", 'nodes = "g"'),
    "own ledger of its nodes": BASE + GROUP + 'ledger = "own"\n' + fault("full-disk", "nodes = [0, 3]"),
    "partition of a group": partition('["g", "rest"]'),
    "partition by shares": partition("[0.5, 0.5]"),
    "partition by ranges": partition('["0..4", "5..9"]'),
    "faults of bytes over libp2p": BASE + LIBP2P + fault("loss", "probability = 0.1") + fault("reset"),
    "wallets that pay": (
        TOP + NODES + "wallets = true\n" + MINING + '[transactions]\nrate_per_s = 1\npayer = "wallets"\nsenders = 9'
    ),
    "more links than nodes": TOP + "[nodes]\ncount = 3\n" + MINING,
    "static, repeated": BASE + '[topology]\nsource = "static"\ndegrees = [1, 2]',
}


@pytest.mark.parametrize("case", FITTING)
def test_what_fits_is_taken(case: str) -> None:
    Scenario.from_toml(FITTING[case])
