"""minicoin's own networks, and the look-up of every network that is built in."""

from minicoin.core.faults import MisuseError
from minicoin.core.params.bitcoin import BITCOIN_NETWORKS
from minicoin.core.params.genesis import GenesisRecipe
from minicoin.core.params.network import KeyFormat, Network
from minicoin.core.params.rules import Retarget, RetargetKind
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.units import COIN_SAT

# Nobody can spend a genesis output (it never enters the coin set), so the script says so.
_UNSPENDABLE = b"\x6a"
# 2025-01-01: early enough for any clock a node may run on; asert counts from block 1, so the gap costs nothing.
_GENESIS_TIME = 1735689600
# 0x1e00ffff as a target: 2**24 hashes a block.
_POW_LIMIT = 0xFFFF << 216
_REGTEST_POW_LIMIT = (1 << 255) - 1
# 5 coins a block, halved every 2,100,000 blocks (four years of minutes), sum up to 21 million.
_SUBSIDY_SAT = 5 * COIN_SAT
_HALVING_INTERVAL = 2_100_000

_MAIN_KEYS = KeyFormat(178, bytes.fromhex("0488b21e"), bytes.fromhex("0488ade4"), bip44_coin_type=28003)
_TEST_KEYS = KeyFormat(239, bytes.fromhex("043587cf"), bytes.fromhex("04358394"))

MAIN = Network(
    name="main",
    genesis_recipe=GenesisRecipe(
        "minicoin: a network you can run", _GENESIS_TIME, 0x1E00FFFF, 2618588, _UNSPENDABLE, _SUBSIDY_SAT
    ),
    pow_limit=_POW_LIMIT,
    spacing_s=60,
    retarget=Retarget(RetargetKind.ASERT, half_life_s=3600, anchor_height=1),
    address_format=AddressFormat(50, 110, "mc"),
    keys=_MAIN_KEYS,
    default_port=7333,
    rpc_port=7332,
    subsidy_sat=_SUBSIDY_SAT,
    halving_interval=_HALVING_INTERVAL,
)

TEST = Network(
    name="test",
    genesis_recipe=GenesisRecipe(
        "minicoin: a network you can break", _GENESIS_TIME, 0x1E00FFFF, 26794, _UNSPENDABLE, _SUBSIDY_SAT
    ),
    pow_limit=_POW_LIMIT,
    spacing_s=60,
    retarget=Retarget(RetargetKind.ASERT, half_life_s=3600, anchor_height=1),
    address_format=AddressFormat(111, 196, "tmc"),
    keys=_TEST_KEYS,
    default_port=17333,
    rpc_port=17332,
    subsidy_sat=_SUBSIDY_SAT,
    halving_interval=_HALVING_INTERVAL,
)

REGTEST = Network(
    name="regtest",
    genesis_recipe=GenesisRecipe("minicoin: a network of your own", _GENESIS_TIME, 0x207FFFFF, 0, _UNSPENDABLE),
    pow_limit=_REGTEST_POW_LIMIT,
    spacing_s=60,
    retarget=Retarget(RetargetKind.NONE),
    address_format=AddressFormat(111, 196, "mcrt"),
    keys=_TEST_KEYS,
    default_port=17444,
    rpc_port=17443,
    allow_private_addresses=True,
)

NETWORKS: dict[str, Network] = {network.name: network for network in (MAIN, TEST, REGTEST, *BITCOIN_NETWORKS)}


def find_by_magic(magic: bytes) -> str | None:
    """The name of the built-in network whose frames begin with these four bytes."""
    return next((network.name for network in NETWORKS.values() if network.magic == magic), None)


def lookup(name: str) -> Network:
    """The built-in network of that name. Raises MisuseError that names the known ones."""
    network = NETWORKS.get(name)
    if network is None:
        raise MisuseError(f"unknown network {name!r}; known are {', '.join(NETWORKS)}")
    return network
