"""What one network is. The network id and all that follows from it (magic, protocol id) are computed here.

Nothing here is executed: chain/proof, chain/difficulty and chain/deployments carry the rules out.
"""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.params.genesis import GenesisRecipe, build_genesis
from minicoin.core.params.models import SettingValue
from minicoin.core.params.rules import (
    ACTIVE_FROM_GENESIS,
    WORK,
    Buried,
    Deployments,
    ProofKind,
    Retarget,
    RetargetKind,
    SignersKind,
    SignetKind,
    WorkKind,
)
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.target import target_to_bits
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.units import COIN_SAT

MAGIC_BYTES: Final = 4
# Defaults of a new network, here and in files.
COINBASE_MATURITY: Final = 100
OVERLAY: Final = "random"
PING_AFTER_S: Final = 120
DROP_AFTER_S: Final = 1200

_CANONICAL_FORM: Final = "minicoin-network-1"


@dataclass(frozen=True, slots=True)
class KeyFormat:
    """How private and extended keys look as text: the WIF byte, the BIP32 versions, the coin type of BIP44."""

    wif: int
    bip32_public: bytes
    bip32_private: bytes
    bip44_coin_type: int = 1


@dataclass(frozen=True, slots=True)
class Network:
    """A network. `own_magic` is for networks that had a magic before they had a network id: Bitcoin's."""

    name: str
    genesis_recipe: GenesisRecipe
    pow_limit: int
    spacing_s: int
    retarget: Retarget
    address_format: AddressFormat
    keys: KeyFormat
    default_port: int
    rpc_port: int
    proof: ProofKind = WORK
    subsidy_sat: int = 50 * COIN_SAT
    halving_interval: int = 210_000
    coinbase_maturity: int = COINBASE_MATURITY
    deployments: Deployments = ACTIVE_FROM_GENESIS
    base_script_flags: int = int(ScriptFlag.ALL)
    """Verified from the genesis on, whatever the deployments say."""
    script_flag_exceptions: tuple[tuple[BlockHash, int], ...] = ()
    """Blocks that are older than a rule and break it: these flags take the place of base_script_flags."""
    bip30_exceptions: tuple[tuple[int, BlockHash], ...] = ()
    """The (height, hash) of blocks that repeated a coinbase before BIP30."""
    bip34_hash: BlockHash | None = None
    """The block that activated BIP34: on its chain coinbases are unique, so BIP30 need not be checked."""
    checkpoints: tuple[tuple[int, BlockHash], ...] = ()
    assume_valid: BlockHash | None = None
    minimum_chainwork: int = 0
    dns_seeds: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    """Where nodes of the network listen: addresses that each of its nodes dials without being told, but its own."""
    alert_keys: tuple[bytes, ...] = ()
    """The peer ids whose alerts count; such a peer id holds its key."""
    founders: tuple[bytes, ...] = ()
    founder_quorum: int = 0
    """The peer ids of those who sign the network's configuration together, and how many of them it takes."""
    allow_private_addresses: bool = False
    uses_mdns: bool = False
    """Whether nodes look for each other on the local link unless told otherwise."""
    overlay: str = OVERLAY
    """The network model, by its name in core/overlay."""
    overlay_settings: tuple[tuple[str, SettingValue], ...] = ()
    """What was chosen for the model, by the names of its settings; what is not here has its default."""
    own_messages: bool = False
    """Nodes speak messages beyond Bitcoin's: records, directed delivery, what the model needs."""
    ping_after_s: int = PING_AFTER_S
    drop_after_s: int = DROP_AFTER_S
    own_magic: bytes | None = None
    genesis: Block = field(init=False, compare=False, repr=False)
    network_id: bytes = field(init=False, compare=False)
    magic: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.own_magic is not None and len(self.own_magic) != MAGIC_BYTES:
            raise MisuseError(f"network {self.name}: a magic has {MAGIC_BYTES} bytes, not {len(self.own_magic)}")
        object.__setattr__(self, "genesis", build_genesis(self.genesis_recipe))
        object.__setattr__(self, "network_id", sha256(canonical_form(self)).digest())
        object.__setattr__(self, "magic", self.own_magic or self.network_id[:MAGIC_BYTES])

    def with_deployments(self, deployments: Deployments) -> "Network":
        """The same network, to itself and its peers, whose soft forks begin elsewhere: for tests of them."""
        found = replace(self, deployments=deployments)
        object.__setattr__(found, "network_id", self.network_id)
        object.__setattr__(found, "magic", self.magic)
        return found

    @property
    def pow_limit_bits(self) -> int:
        """The easiest target in compact form."""
        return target_to_bits(self.pow_limit)

    @property
    def protocol_id(self) -> str:
        """The libp2p protocol that carries this network's frames."""
        return self.protocol("wire/1")

    def protocol(self, name: str) -> str:
        """A libp2p protocol of this network's own."""
        return f"/minicoin/{self.network_id.hex()[:16]}/{name}"

    @property
    def is_bitcoin(self) -> bool:
        """Whether this network's peers speak Bitcoin's messages only."""
        return self.own_magic is not None

    @property
    def has_trivial_work(self) -> bool:
        """Whether anybody can make blocks at once: a network for tests. Where members sign, work says nothing."""
        return self.retarget.kind is RetargetKind.NONE and not isinstance(self.proof, SignersKind)

    @property
    def admission(self) -> AdmissionRecord | None:
        """Who may connect before its members signed a later one; None where anybody may."""
        proof = self.proof
        return AdmissionRecord.decode(proof.admission) if isinstance(proof, SignersKind) and proof.admission else None

    def subsidy(self, height: int) -> int:
        """The newly issued satoshi of the block at `height`."""
        if height == 1 and isinstance(self.proof, SignersKind):
            return sum(amount for _, amount in self.proof.allocation)
        halvings = height // self.halving_interval
        return self.subsidy_sat >> halvings if halvings < 64 else 0


def different_rules(one: str, other: str) -> tuple[tuple[str, str, str], ...]:
    """(key, its value in one, in the other) where two canonical forms differ."""
    ours, theirs = (dict(line.split("=", 1) for line in form.splitlines() if "=" in line) for form in (one, other))
    keys = dict.fromkeys((*ours, *theirs))
    return tuple(
        (key, ours.get(key, ""), theirs.get(key, "")) for key in keys if ours.get(key, "") != theirs.get(key, "")
    )


def canonical_form(network: Network) -> bytes:
    """The genesis-time rules as text, one `key=value` line each in this order; the network id is its SHA-256.

    Two networks with the same form accept the same chain until a later deployment tells them apart. Names, seeds,
    nodes, ports, limits, network models, address forms, checkpoints and deployments that begin after block 1 are left
    out, so that none of them moves a node to another network.
    """
    lines = [
        ("form", _CANONICAL_FORM),
        ("genesis", network.genesis.raw.hex()),
        ("proof", _proof_text(network.proof)),
        ("pow_limit", f"{network.pow_limit:064x}"),
        ("spacing_s", str(network.spacing_s)),
        ("retarget", _retarget_text(network.retarget)),
        ("subsidy_sat", str(network.subsidy_sat)),
        ("halving_interval", str(network.halving_interval)),
        ("coinbase_maturity", str(network.coinbase_maturity)),
        ("script_flags", str(int(network.base_script_flags))),
        ("active", ",".join(_names_active_at_start(network.deployments))),
    ]
    return "".join(f"{key}={value}\n" for key, value in lines).encode("ascii")


def _proof_text(proof: ProofKind) -> str:
    match proof:
        case WorkKind():
            return "work"
        case SignetKind(challenge):
            return f"signet:{challenge.hex()}"
        case SignersKind():
            # Names and time-outs are no rules: who differs in them accepts the same chain.
            paid = ",".join(f"{script.hex()}/{amount}" for script, amount in proof.allocation)
            return f"signers:{proof.founding_list.hash.hex()}:{proof.min_interval_s}:{paid}:{proof.admission.hex()}"


def _retarget_text(rule: Retarget) -> str:
    # Only what the kind reads: a parameter without effect must not split a network.
    match rule.kind:
        case RetargetKind.NONE:
            return "none"
        case RetargetKind.ASERT:
            return f"asert:{rule.half_life_s}:{rule.anchor_height}"
        case RetargetKind.BITCOIN | RetargetKind.BIP94:
            return f"{rule.kind}:{rule.interval}:{rule.timespan_s}:{int(rule.allow_min_difficulty)}"


def _names_active_at_start(deployments: Deployments) -> list[str]:
    return [name for name, rule in deployments.named() if isinstance(rule, Buried) and rule.is_active(1)]
