"""What happens when nothing goes wrong: mining, verification, transactions, and nodes that come and go."""

from typing import Annotated, Literal

from pydantic import Field

from minicoin.core.limits import SIGNED_RECORD_VALUE_BYTES_MAX, SIGNED_RECORDS_PER_SIGNER_MAX
from minicoin.sim.scenario.fields import (
    Count,
    Millis,
    NodeIndex,
    PositiveRate,
    PositiveSeconds,
    PositiveShare,
    Seconds,
    SettingsTable,
    Share,
    Switch,
    WorkMicros,
)
from minicoin.sim.scenario.targets import ALL, Target


class MinedBlock(SettingsTable):
    """One block of a fixed schedule."""

    time_s: Seconds
    """When the block is found."""
    node: NodeIndex
    """Who finds it, on top of its own best chain."""


class Mining(SettingsTable):
    """Who finds blocks and when. Times are exponential with mean network.spacing_s, unless there is a schedule."""

    blocks: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None = None
    """Stop mining after so many blocks; the model needs at least 1."""
    duration_s: PositiveSeconds | None = None
    """Stop mining at this time, start_s included. With blocks too, whatever comes first."""
    start_s: Seconds = 0.0
    """When mining by chance begins."""
    settle_s: Seconds = 60.0
    """How long the run goes on after the end of mining, so that the last block can spread."""
    miners: Count | None = None
    """How many nodes mine, those with the lowest indices; otherwise all, or as many as hash_shares has numbers."""
    hash_shares: Literal["equal", "gervais", "groups"] | tuple[Share, ...] = "equal"
    """equal: all miners alike; gervais: the 16 pools of the Gervais paper, nodes 0 to 15; groups: hash_share of the
    [[nodes.group]] tables; or a list of numbers, miner by miner, scaled to the sum 1."""
    at: tuple[MinedBlock, ...] = ()
    """A fixed schedule of [[mining.at]] tables instead of chance."""


class Verification(SettingsTable):
    """Modelled time that a node needs for checking; nothing is measured, so a run does not depend on the machine."""

    block_base_ms: Millis = 2.0
    """For each block."""
    block_us_per_kb: WorkMicros = 380.0
    """For each 1,000 bytes of a block (Gervais: 0.174 s for 458,263 bytes)."""
    tx_us: WorkMicros = 200.0
    """For each transaction that arrives outside a block."""


class Transactions(SettingsTable):
    """The load of payments. Without this table there are none."""

    payer: Literal["anybody", "wallets"] = "anybody"
    """anybody: payments spend coins that everybody may spend, made before the run; wallets: the senders' own wallets,
    which have coins from set-up on, pay those of other nodes (nodes.wallets)."""
    rate_per_s: PositiveRate
    """Payments per second in the whole network, at exponential times."""
    inputs: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """Inputs of each."""
    outputs: Annotated[int, Field(strict=True, ge=1, le=100)] = 2
    """Outputs of each."""
    tx_bytes: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    """Size that each is padded to; 0: what its inputs and outputs need."""
    start_s: Seconds = 0.0
    """When the load begins."""
    stop_s: PositiveSeconds | None = None
    """When it ends; otherwise with mining."""
    senders: Count = 1
    """How many nodes have coins to send, those with the lowest indices."""


class Errands(SettingsTable):
    """Letters to peer ids, or searches for them, from nodes drawn from all. Without this table there are none."""

    rate_per_s: PositiveRate
    """How many per second in the whole network, at exponential times."""
    to: Target = ALL
    """Whom they are for."""
    start_s: Seconds = 0.0
    """When the first may be sent."""
    stop_s: PositiveSeconds | None = None
    """When it ends; otherwise with mining."""


class Records(SettingsTable):
    """The load of records: nodes drawn from all publish small signed values, which everybody keeps. Without this table
    there are none but the network model's own."""

    rate_per_s: PositiveRate
    """Records per second in the whole network, at exponential times."""
    kind: Annotated[str, Field(max_length=16)] = "status"
    """Their kind, one that any node may sign."""
    value_bytes: Annotated[int, Field(strict=True, ge=0, le=SIGNED_RECORD_VALUE_BYTES_MAX)] = 100
    """Size of the value of each."""
    keys: Annotated[int, Field(strict=True, ge=1, le=SIGNED_RECORDS_PER_SIGNER_MAX // 2)] = 4
    """Keys under which a node publishes in turn: a record takes the place of its node's last one under its key, and has
    arrived where that or a newer one is held."""
    publishers: Count | None = None
    """How many nodes publish, those with the lowest indices; otherwise all."""
    start_s: Seconds = 0.0
    """When the load begins."""
    stop_s: PositiveSeconds | None = None
    """When it ends; otherwise with mining."""


class Churn(SettingsTable):
    """Nodes that leave and come back all the time. Without this table nobody does."""

    share: PositiveShare = 1.0
    """Share of the nodes that do so, drawn from the seed; miners of a fixed schedule stay."""
    session_s: PositiveSeconds
    """Mean time that a node stays, exponential."""
    rejoin_s: PositiveSeconds
    """Mean time that a node is away, exponential."""
    start_s: Seconds = 0.0
    """When the first may leave."""
    stop_s: PositiveSeconds | None = None
    """After this nobody leaves any more; otherwise until the end of mining."""
    with_disk: Switch = True
    """Whether a node that returns still has its chain and addresses."""
