"""How a run is set up, measured and judged."""

from typing import Literal

from minicoin.sim.scenario.fields import Part, PositiveSeconds, Seconds, Share, Switch


class Warmup(Part):
    """Set-up before time zero: nodes start and connect. Its cost is reported apart."""

    connect_s: PositiveSeconds = 600.0
    """Virtual time that set-up may take; a network that is not connected by then ends the run with an error."""


class Measure(Part):
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


class Check(Part):
    """Checkers that look from outside; one that finds something ends the run as failed."""

    when: Literal["quiet", "every-event"] = "quiet"
    """quiet: at quiet points and at the end; every-event: after every event, which is slow."""
    converge: Switch = True
    """All honest nodes that run have the same best chain at the end, heal_s after the last fault."""
    supply: Switch = True
    """No more money than the subsidies of the chain."""
    double_spend: Switch = True
    """No coin is spent twice in a best chain."""
    valid_chain: Switch = True
    """No block that breaks a rule is in an honest node's best chain."""
    bounds: Switch = True
    """Every queue, table and buffer stays within its limit."""
    no_honest_bans: Switch = True
    """No honest node bans another."""
    heal_s: Seconds = 120.0
    """Time after the last fault or attack until convergence is required; the run goes on so long."""
