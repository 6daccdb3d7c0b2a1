"""The network of a scenario: its nodes, rules, topology and links. Sources are named as in sim.geography and
sim.topology, which own what they mean."""

from typing import Annotated, Literal

from pydantic import Field

from minicoin.core.limits import INBOUND_SLOTS
from minicoin.core.params.network import COINBASE_MATURITY, DROP_AFTER_S, OVERLAY, PING_AFTER_S
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT
from minicoin.sim.geography import LatencyDrawn, LatencyLaw
from minicoin.sim.scenario.fields import (
    Count,
    Factor,
    Ledger,
    Mbit,
    Millis,
    Name,
    NodeIndex,
    PositiveMillis,
    PositiveSeconds,
    PositiveShare,
    Region,
    SettingsTable,
    Share,
    Switch,
    Version,
)

Geography = Literal["simblock-2015", "simblock-2019", "gervais-2016", "uniform"]
TopologySource = Literal["random", "simblock", "gervais", "static", "complete", "ring", "line", "star", "addrman"]
Relay = Literal["announce", "finder-pushes", "all-push", "pools-relay"]
Transport = Literal["plain", "named", "libp2p"]
Proof = Literal["work", "signers"]
SignerLie = Literal["equivocates", "withholds", "silent"]
Discipline = Literal["fifo", "fifo-uplink", "stop-and-wait"]


class NodeGroup(SettingsTable):
    """Nodes that differ from the rest. Groups take the lowest indices, one after the other in the order of the file;
    the nodes after the last group are ordinary."""

    name: Name
    """What targets call the group."""
    count: Count | None = None
    """How many nodes; either this or share."""
    share: PositiveShare | None = None
    """How many nodes, as a share of nodes.count, rounded; at least one."""
    region: Region | None = None
    """Where all of them are; otherwise the geography places them."""
    up_mbit: Mbit | None = None
    """Uplink of each in Mbit/s; otherwise the geography says."""
    down_mbit: Mbit | None = None
    """Downlink of each in Mbit/s; otherwise the geography says."""
    hash_share: PositiveShare | None = None
    """Share of all hash power that the group has together, with mining.hash_shares = "groups"."""
    role: Name | None = None
    """What its nodes are in the network model, named as with --role; otherwise what nodes are in it by default."""
    signs: Switch = False
    """Its nodes are the members that sign the blocks, with network.proof = "signers"."""
    lies: SignerLie | None = None
    """How its members lie. equivocates: each proposal and vote is one thing to half of the nodes and another to the
    rest, both signed; withholds: half of the nodes hear none of them; silent: nobody does. Otherwise they are
    honest."""
    slow_cpu: Factor = 1.0
    """Verification takes this many times longer."""
    version: Version = "current"
    """Feature set: before-wtxidrelay never negotiates BIP339 and BIP155, before-sendheaders nor BIP130 either."""
    ledger: Ledger | None = None
    """As nodes.ledger, for this group."""


class Nodes(SettingsTable):
    """How many nodes there are and what each is made of."""

    count: Count
    """Number of honest nodes; attackers come on top."""
    group: tuple[NodeGroup, ...] = ()
    """Groups of nodes that differ, each a [[nodes.group]] table."""
    encode: Switch = False
    """Encode and decode every message as on a real wire; otherwise message objects travel with their true size."""
    ledger: Ledger = "shared"
    """shared: verdicts on identical blocks are computed once; own: each node has its own chain engine and store."""
    wallets: Switch = False
    """Every node has a wallet, made in set-up from the seed; [transactions] may pay from them."""


class NetworkRules(SettingsTable):
    """The coin's rules and the protocol's times."""

    spacing_s: PositiveSeconds = 60.0
    """Mean time between blocks; where members sign, the time after which they make an empty one."""
    proof: Proof = "work"
    """What a block stands on. work: a nonce, found by mining; signers: the signatures of the members, which are the
    nodes of the groups with signs = true. It is final then."""
    block_bytes: Annotated[int, Field(strict=True, ge=0, le=4_000_000)] = 0
    """Size that a miner pads its blocks to; 0: as large as their transactions make them."""
    coinbase_maturity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = COINBASE_MATURITY
    """Blocks until a coinbase may be spent."""
    subsidy_sat: Annotated[int, Field(strict=True, ge=0, le=MONEY_MAX_SAT)] = 50 * COIN_SAT
    """New satoshi of each block."""
    ping_after_s: PositiveSeconds = float(PING_AFTER_S)
    """A peer that is silent this long is pinged."""
    drop_after_s: PositiveSeconds = float(DROP_AFTER_S)
    """A peer that is silent this long is disconnected."""
    inbound_trickle_ms: PositiveMillis | None = None
    """Mean time between transaction announcements to inbound peers; otherwise what suits spacing_s."""
    outbound_trickle_ms: PositiveMillis | None = None
    """Mean time between transaction announcements to outbound peers; otherwise what suits spacing_s."""
    overlay: Name = OVERLAY
    """The network model, named as in network files; another one than random needs topology.source = "addrman", since it
    says itself whom to be connected to."""
    overlay_settings: dict[str, int | str | tuple[str, ...]] = Field(default_factory=dict)
    """What is chosen for the model, named as in network files; single ones with --set network.overlay_settings.NAME."""
    own_messages: Switch = False
    """Nodes speak messages beyond Bitcoin's: records and directed delivery. Models that need them always have them."""
    relay: Relay = "announce"
    """How blocks travel. announce: as nodes do, announced, asked for at the first announcer, sent; model only are
    finder-pushes (the finder sends its block unasked, others announce), all-push (everybody sends unasked) and
    pools-relay (the finder sends pools a compressed block unasked, others hear an announcement)."""


class TopologySetting(SettingsTable):
    """Who is connected to whom."""

    source: TopologySource = "random"
    """Named source of links, from sim.topology; addrman: nodes know the seed nodes and find each other by gossip."""
    outbound: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 8
    """Links that each node opens: read by random and addrman."""
    degrees: tuple[Annotated[int, Field(strict=True, ge=1, le=1_000_000)], ...] | None = None
    """With source = "static": the links of each node; as many numbers as nodes, or fewer, which are then repeated."""
    seed_nodes: tuple[NodeIndex, ...] = (0,)
    """With source = "addrman": the nodes that every node knows at its start; with warmup.start = "connected" it knows
    others, drawn from all."""
    tells_addresses: Switch = True
    """With source = "addrman": whether nodes tell each other addresses; otherwise each stays with those that it knows
    at its start and what its network model finds. At hundreds of nodes most of the traffic of the first minutes."""
    max_inbound: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = INBOUND_SLOTS
    """Inbound connections that a node accepts; a drawn topology that gives a node more raises its limit."""


class Links(SettingsTable):
    """What a connection is made of: latency, bandwidth, and how often it fails in small ways all the time."""

    geography: Geography = "simblock-2019"
    """Named source of regions, latencies and bandwidths."""
    latency: LatencyLaw | None = None
    """fixed: the mean of the two regions; pareto: drawn around that mean; otherwise as the geography's paper did."""
    latency_drawn: LatencyDrawn | None = None
    """Whether a link's latency is drawn once or for each message; otherwise as the geography's paper did."""
    latency_ms: Millis | None = None
    """Mean one-way latency between any two nodes: geography = "uniform" needs it, and only that reads it."""
    up_mbit: Mbit | None = None
    """Uplink of every node in Mbit/s, instead of the geography's; uniform without it has no limit."""
    down_mbit: Mbit | None = None
    """Downlink of every node in Mbit/s, instead of the geography's; uniform without it has no limit."""
    discipline: Discipline = "fifo"
    """How messages queue. fifo: in the sender's uplink and the receiver's downlink, in order. Model only are
    fifo-uplink (blocks queue in the uplink alone, as in Gervais' simulator) and stop-and-wait (a sender has one block
    under way until it has arrived, as in SimBlock)."""
    control_ms: Millis = 0.0
    """Model only. Added to the latency of each inv, headers and getdata message; SimBlock's model has 10."""
    transport: Transport = "plain"
    """plain: messages as plain TCP carries them; named: the same, but every node has a peer id of the seed, which its
    peers know as if libp2p had proven it; libp2p: connections run the real multistream, Noise and Yamux besides, whose
    bytes load the lines too. Network models with messages of their own need peer ids."""
    loss: Share = 0.0
    """Probability that a message's packet is lost. TCP sends it again, so the message and all behind it on that
    connection come retransmit_ms later."""
    retransmit_ms: PositiveMillis = 200.0
    """Delay of a lost packet (TCP's least retransmission timeout)."""
    duplicate: Share = 0.0
    """Probability that a packet arrives twice. TCP drops the second, so this costs downlink only."""
    reorder: Share = 0.0
    """Probability that a packet is overtaken. TCP waits for it, so the message and all behind it come reorder_ms
    later."""
    reorder_ms: PositiveMillis = 20.0
    """Delay of an overtaken packet."""
