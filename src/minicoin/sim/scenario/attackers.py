"""Attackers: scripted peers and dishonest miners that a scenario adds to its honest nodes.

They are not counted in nodes.count. Times count from the end of set-up. What each does is sim.attackers' part.
"""

from typing import Annotated, Literal

from pydantic import Field

from minicoin.sim.scenario.fields import (
    Count,
    NodeIndex,
    PositiveRate,
    PositiveSeconds,
    Seconds,
    SettingsTable,
    Share,
    Switch,
)
from minicoin.sim.scenario.targets import ALL, Target


class AttackerBase(SettingsTable):
    """What every attacker has."""

    at_s: Seconds = 0.0
    """When it joins."""
    until_s: PositiveSeconds | None = None
    """When it gives up and leaves; otherwise at the end of mining."""
    count: Count = 1
    """How many peers it runs."""


class PeerAttacker(AttackerBase):
    """An attacker that talks to chosen nodes."""

    target: Target = ALL
    """Whom it connects to."""


class Eclipse(PeerAttacker):
    """Fills a victim's address book with its own addresses, its slots with its own peers, and keeps blocks from it."""

    kind: Literal["eclipse"]
    addresses_per_s: PositiveRate = 10.0
    """Addresses of its own that it tells the victim, each second and peer."""
    network_groups: Count = 16
    """Network groups (/16) that its addresses come from: the address book gives each a bounded part."""
    hides_blocks: Switch = True
    """Its peers relay no blocks; otherwise they are honest until the end."""


class Sybil(PeerAttacker):
    """Many identities that connect everywhere, look honest and relay nothing."""

    kind: Literal["sybil"]
    connections: Count = 8
    """Connections that each of its peers opens."""
    hides_blocks: Switch = True
    """They relay no blocks."""
    hides_transactions: Switch = True
    """They relay no transactions."""


class FloodTransactions(PeerAttacker):
    """Sends transactions as fast as it is told."""

    kind: Literal["flood-transactions"]
    rate_per_s: PositiveRate
    """Of each of its peers."""
    validity: Literal["valid", "orphan", "invalid"] = "orphan"
    """valid: real payments; orphan: inputs that nobody knows; invalid: signatures that fail."""
    tx_bytes: Annotated[int, Field(strict=True, ge=100, le=100_000)] = 250
    """Size of each."""


class FloodAddresses(PeerAttacker):
    """Sends addresses of nodes that do not exist."""

    kind: Literal["flood-addresses"]
    rate_per_s: PositiveRate
    """addr messages of each of its peers."""
    per_message: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1_000
    """Addresses in each."""


class FloodGossip(PeerAttacker):
    """Tells of invented members of the network, and asks without end, in a network of the model `gossip`."""

    kind: Literal["flood-gossip"]
    rate_per_s: PositiveRate
    """How often each of its peers tells and asks its targets: a shuffle, a pull and a search each time."""


IndexLie = Literal["leaves-out", "invents", "refuses"]


class LyingIndexes(PeerAttacker):
    """Say that they are indexes, in a network of the model `index`, and lie."""

    kind: Literal["lying-index"]
    lie: IndexLie
    """leaves-out: half of the members are named to nobody; invents: it names members that do not exist; refuses: it
    takes nobody in."""


class DroppingSupers(PeerAttacker):
    """Say that they are super nodes with nothing but free places, in a network of the model `supernode`: they take
    leaves and letters, and pass nothing on."""

    kind: Literal["dropping-super"]
    network_groups: Count = 1
    """Network groups (/16) that its peers are in: of one group a leaf has one parent."""


class SybilNearKey(PeerAttacker):
    """Makes identities until many of them lie nearest to one node's key, in a network of the model `kademlia`. Whoever
    asks for that node is told of its own."""

    kind: Literal["sybil-near-key"]
    victim: NodeIndex
    """The node whose key they crowd around."""
    network_groups: Count = 1
    """Network groups (/16) that its peers are in: of one group few stand in a table."""
    tries: Count = 20
    """Identities that it makes for each that it keeps, which are the nearest of all."""


class FloodConnections(PeerAttacker):
    """Opens connections until there is no slot left."""

    kind: Literal["flood-connections"]
    rate_per_s: PositiveRate
    """Connections that each of its peers opens."""
    handshake: Switch = False
    """Whether it completes the handshake; otherwise it says nothing."""


class SlowBlocks(PeerAttacker):
    """Announces what it has and delivers slowly or never, to hold up those who ask it."""

    kind: Literal["slow-blocks"]
    delay_s: PositiveSeconds | None = None
    """How long it holds a block back that it was asked for; otherwise for ever."""


class InvalidBlocks(PeerAttacker):
    """Sends blocks with work that break a rule."""

    kind: Literal["invalid-blocks"]
    per_hour: PositiveRate = 60.0
    """Of each of its peers."""
    flaw: Literal["merkle-root", "coinbase-value", "double-spend", "missing-coin", "script"] = "coinbase-value"
    """The rule that is broken."""


class InvalidHeaders(PeerAttacker):
    """Sends headers that break a rule."""

    kind: Literal["invalid-headers"]
    rate_per_s: PositiveRate = 1.0
    """headers messages of each of its peers."""
    flaw: Literal["work", "unconnected", "time", "low-work-chain"] = "work"
    """work: the hash misses the target; unconnected: no known parent; time: hours ahead; low-work-chain: valid and
    long, with less work than the best chain."""


class MinerAttacker(AttackerBase):
    """An attacker with hash power, which is taken from the honest miners' in proportion."""

    hash_share: Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
    """Share of all hash power."""
    connections: Count = 100
    """Honest nodes that it is connected to; at most all."""


class SelfishMiner(MinerAttacker):
    """Keeps its blocks secret and publishes them to orphan honest ones (Eyal and Sirer 2014)."""

    kind: Literal["selfish-miner"]
    tie_share: Share | None = None
    """gamma: share of the honest hash power that mines on its block in a tie; otherwise what the network gives."""


class WithholdBlocks(MinerAttacker):
    """Publishes its blocks late or never."""

    kind: Literal["withhold-blocks"]
    delay_s: PositiveSeconds | None = None
    """How long it waits; otherwise for ever."""


Attacker = Annotated[
    Eclipse
    | Sybil
    | FloodTransactions
    | FloodAddresses
    | FloodGossip
    | LyingIndexes
    | DroppingSupers
    | SybilNearKey
    | FloodConnections
    | SlowBlocks
    | InvalidBlocks
    | InvalidHeaders
    | SelfishMiner
    | WithholdBlocks,
    Field(discriminator="kind"),
]
