"""How a run is set up, modelled, measured and judged."""

from typing import Annotated, Literal

from pydantic import Field

from minicoin.sim.scenario.fields import Millis, PositiveSeconds, Seconds, SettingsTable, Share, Switch


class Warmup(SettingsTable):
    """Set-up before time zero: nodes start and connect. Its cost is reported apart."""

    connect_s: PositiveSeconds = 600.0
    """Virtual time that set-up may take; a network that is not connected by then ends the run with an error."""
    start: Literal["handshake", "connected"] = "handshake"
    """handshake: nodes dial each other and exchange what a handshake takes, over their lines; connected: whoever is
    dialled during set-up is connected at once, its handshake over, which takes half the time at thousands of
    nodes. Not over libp2p, nor with older versions."""


class Model(SettingsTable):
    """Habits of other simulators that the propagation model can take on. Only with engine = "model"."""

    announce_to: Literal["all", "not-to-source", "not-to-announcers"] = "not-to-announcers"
    """Which neighbours hear of a block: all of them, not the one it came from, or none that announced it before."""
    announce_bytes: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 106
    """Size of an announcement; 106 is a headers message, 61 an inv."""
    request_bytes: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 61
    """Size of a request for a block; 61 is a getdata message."""
    relayed_bytes: Annotated[int, Field(strict=True, ge=0, le=4_000_000)] = 0
    """Size of a compressed block between pools, with network.relay = "pools-relay"."""
    block_extra_ms: Millis = 0.0
    """Added to the latency of each block; SimBlock's model has 2."""
    relay_side_blocks: Switch = False
    """Whether a block beside a node's best chain is passed on."""


class Measure(SettingsTable):
    """What is recorded during a run."""

    propagation: Switch = True
    """When each node had each block."""
    traffic: Switch = True
    """Bytes and messages, by node and by type of message."""
    mempool_every_s: PositiveSeconds | None = None
    """Sample the mempools so often; otherwise never."""
    connections_every_s: PositiveSeconds | None = None
    """Sample the connections so often; otherwise never."""
    transactions: Share = 0.0
    """Share of the transactions whose way to each node is recorded."""


class Check(SettingsTable):
    """Checkers that look from outside; one that finds something ends the run as failed."""

    when: Literal["quiet", "every-event"] = "quiet"
    """quiet: at quiet points and at the end; every-event: after every event, which is slow."""
    converge: Switch = True
    """All honest nodes that run have the same best chain, heal_s after the last fault and at the end; tips of equal
    work are agreement too, as no rule decides between them."""
    supply: Switch = True
    """No more money than the subsidies of the chain."""
    double_spend: Switch = True
    """No coin is spent twice in a best chain."""
    valid_chain: Switch = True
    """No block that breaks a rule is in an honest node's best chain."""
    bounds: Switch = True
    """Every queue, table and buffer stays within its limit."""
    finality: Switch = True
    """Where members sign, no two blocks of one height are certified, and no node leaves a block that it held final. At
    the end blocks come and no payment waits, where a quorum signs."""
    no_honest_bans: Switch = True
    """No honest node bans another."""
    heal_s: Seconds = 120.0
    """Time after the last fault or attack until convergence is required; the run goes on so long."""
