"""Bitcoin's networks and btcd's simnet, by their real numbers (Bitcoin Core's kernel/chainparams, btcd's chaincfg).

Bitcoin Core verifies P2SH, witness and taproot rules on every block, older ones included, save for the named
exceptions; base_script_flags and script_flag_exceptions say the same here.
"""

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.hashes import hash_from_hex
from minicoin.core.params.genesis import GenesisRecipe
from minicoin.core.params.network import KeyFormat, Network
from minicoin.core.params.rules import Buried, Deployments, Retarget, RetargetKind, SignetKind, VersionBits
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.script_flags import ScriptFlag


def _hash(text: str) -> BlockHash:
    return BlockHash(hash_from_hex(text))


_TIMES_MESSAGE = "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
_SATOSHI_SCRIPT = bytes.fromhex(
    "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b"
    "8d578a4c702b6bf11d5fac"
)
_TESTNET4_MESSAGE = "03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e"
_TESTNET4_SCRIPT = b"\x21" + bytes(33) + b"\xac"

_POW_LIMIT = (1 << 224) - 1
_TRIVIAL_POW_LIMIT = (1 << 255) - 1
_BASE_FLAGS = int(ScriptFlag.P2SH | ScriptFlag.WITNESS | ScriptFlag.TAPROOT)
_FROM_BLOCK_1 = Deployments(Buried(1), Buried(1), Buried(1), Buried(1), Buried(1), Buried(1))

_TEST_ADDRESSES = AddressFormat(111, 196, "tb")
_TEST_KEYS = KeyFormat(239, bytes.fromhex("043587cf"), bytes.fromhex("04358394"))


def _recipe(time: int, nonce: int, bits: int) -> GenesisRecipe:
    return GenesisRecipe(_TIMES_MESSAGE, time, bits, nonce, _SATOSHI_SCRIPT)


BITCOIN = Network(
    name="bitcoin",
    genesis_recipe=_recipe(1231006505, 2083236893, 0x1D00FFFF),
    pow_limit=_POW_LIMIT,
    spacing_s=600,
    retarget=Retarget(RetargetKind.BITCOIN),
    address_format=AddressFormat(0, 5, "bc"),
    keys=KeyFormat(128, bytes.fromhex("0488b21e"), bytes.fromhex("0488ade4"), bip44_coin_type=0),
    default_port=8333,
    rpc_port=8332,
    deployments=Deployments(
        bip34=Buried(227931),
        bip65=Buried(388381),
        bip66=Buried(363725),
        csv=Buried(419328),
        segwit=Buried(481824),
        taproot=Buried(709632),
    ),
    base_script_flags=_BASE_FLAGS,
    script_flag_exceptions=(
        (_hash("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"), ScriptFlag.NONE),
        (
            _hash("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"),
            ScriptFlag.P2SH | ScriptFlag.WITNESS,
        ),
    ),
    bip30_exceptions=(
        (91842, _hash("00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec")),
        (91880, _hash("00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721")),
    ),
    bip34_hash=_hash("000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8"),
    checkpoints=(
        (11111, _hash("0000000069e244f73d78e8fd29ba2fd2ed618bd6fa2ee92559f542fdb26e7c1d")),
        (33333, _hash("000000002dd5588a74784eaa7ab0507a18ad16a236e7b1ce69f00d7ddfb5d0a6")),
        (74000, _hash("0000000000573993a3c9e41ce34471c079dcf5f52a0e824a81e7f953b8661a20")),
        (105000, _hash("00000000000291ce28027faea320c8d2b054b2e0fe44a773f3eefb151d6bdc97")),
        (134444, _hash("00000000000005b12ffd4cd315cd34ffd4a594f430ac814c91184a0d42d2b0fe")),
        (168000, _hash("000000000000099e61ea72015e79632f216fe6cb33d7899acb35b75c8303b763")),
        (193000, _hash("000000000000059f452a5f7340de6682a977387c17010ff6e6c3bd83ca8b1317")),
        (210000, _hash("000000000000048b95347e83192f69cf0366076336c639f9b7228e9ba171342e")),
        (216116, _hash("00000000000001b4f4b433e81ee46494af945cf96014816a4e2370f11b23df4e")),
        (225430, _hash("00000000000001c108384350f74090433e7fcf79a606b8e797f065b130575932")),
        (250000, _hash("000000000000003887df1f29024b06fc2200b55f8af8f35453d7be294df2d214")),
        (279000, _hash("0000000000000001ae8c72a0b0c301f67e3afca10e819efa9041e458e9bd7e40")),
        (295000, _hash("00000000000000004d9b4ef50f0f9d686fd69db2e03af35a100370c64632a983")),
    ),
    assume_valid=_hash("00000000000000000000611fd22f2df7c8fbd0688745c3a6c3bb5109cc2a12cb"),
    minimum_chainwork=0xDEE8E2A309AD8A9820433C68,
    dns_seeds=(
        "seed.bitcoin.sipa.be",
        "dnsseed.bluematt.me",
        "seed.bitcoin.jonasschnelli.ch",
        "seed.btc.petertodd.net",
        "seed.bitcoin.sprovoost.nl",
        "dnsseed.emzy.de",
        "seed.bitcoin.wiz.biz",
        "seed.mainnet.achownodes.xyz",
    ),
    own_magic=bytes.fromhex("f9beb4d9"),
)

TESTNET3 = Network(
    name="bitcoin-testnet3",
    genesis_recipe=_recipe(1296688602, 414098458, 0x1D00FFFF),
    pow_limit=_POW_LIMIT,
    spacing_s=600,
    retarget=Retarget(RetargetKind.BITCOIN, allow_min_difficulty=True),
    address_format=_TEST_ADDRESSES,
    keys=_TEST_KEYS,
    default_port=18333,
    rpc_port=18332,
    deployments=Deployments(
        bip34=Buried(21111),
        bip65=Buried(581885),
        bip66=Buried(330776),
        csv=Buried(770112),
        segwit=Buried(834624),
        taproot=Buried(2011968),
    ),
    base_script_flags=_BASE_FLAGS,
    script_flag_exceptions=(
        (_hash("00000000dd30457c001f4095d208cc1296b0eed002427aa599874af7a432b105"), ScriptFlag.NONE),
    ),
    bip34_hash=_hash("0000000023b3a96d3484e5abb3755c413e7d41500f8e2a5c3f0dd01299cd8ef8"),
    checkpoints=((546, _hash("000000002a936ca763904c3c35fce2f3556c559c0214345d31b1bcebf76acb70")),),
    assume_valid=_hash("0000000000000065c6c38258e201971a3fdfcc2ceee0dd6e85a6c022d45dee34"),
    minimum_chainwork=0x16DD270DD94FAC1D7632,
    dns_seeds=(
        "testnet-seed.bitcoin.jonasschnelli.ch",
        "seed.tbtc.petertodd.net",
        "seed.testnet.bitcoin.sprovoost.nl",
        "testnet-seed.bluematt.me",
        "seed.testnet.achownodes.xyz",
    ),
    own_magic=bytes.fromhex("0b110907"),
)

TESTNET4 = Network(
    name="bitcoin-testnet4",
    genesis_recipe=GenesisRecipe(_TESTNET4_MESSAGE, 1714777860, 0x1D00FFFF, 393743547, _TESTNET4_SCRIPT),
    pow_limit=_POW_LIMIT,
    spacing_s=600,
    retarget=Retarget(RetargetKind.BIP94, allow_min_difficulty=True),
    address_format=_TEST_ADDRESSES,
    keys=_TEST_KEYS,
    default_port=48333,
    rpc_port=48332,
    deployments=_FROM_BLOCK_1,
    base_script_flags=_BASE_FLAGS,
    assume_valid=_hash("000000000000000180a58e7fa3b0db84b5ea76377524894f53660d93ac839d9b"),
    minimum_chainwork=0x34A4690FE592DC49C7C,
    dns_seeds=("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
    own_magic=bytes.fromhex("1c163f28"),
)

_SIGNET_CHALLENGE = bytes.fromhex(
    "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430"
    "210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
)


def signet_magic(challenge: bytes) -> bytes:
    """BIP325: the first bytes of the double SHA-256 of the challenge as a block would serialise it."""
    return sha256d(encode_compact(len(challenge)) + challenge)[:4]


SIGNET = Network(
    name="bitcoin-signet",
    genesis_recipe=_recipe(1598918400, 52613770, 0x1E0377AE),
    pow_limit=0x377AE << 216,
    spacing_s=600,
    retarget=Retarget(RetargetKind.BITCOIN),
    address_format=_TEST_ADDRESSES,
    keys=_TEST_KEYS,
    default_port=38333,
    rpc_port=38332,
    proof=SignetKind(_SIGNET_CHALLENGE),
    deployments=_FROM_BLOCK_1,
    base_script_flags=_BASE_FLAGS,
    assume_valid=_hash("000000128586e26813922680309f04e1de713c7542fee86ed908f56368aefe2e"),
    minimum_chainwork=0x67D328E681A,
    dns_seeds=("seed.signet.bitcoin.sprovoost.nl", "seed.signet.achownodes.xyz"),
    own_magic=signet_magic(_SIGNET_CHALLENGE),
)

REGTEST = Network(
    name="bitcoin-regtest",
    genesis_recipe=_recipe(1296688602, 2, 0x207FFFFF),
    pow_limit=_TRIVIAL_POW_LIMIT,
    spacing_s=600,
    retarget=Retarget(RetargetKind.NONE),
    address_format=AddressFormat(111, 196, "bcrt"),
    keys=_TEST_KEYS,
    default_port=18444,
    rpc_port=18443,
    halving_interval=150,
    deployments=Deployments(
        bip34=Buried(1),
        bip65=Buried(1),
        bip66=Buried(1),
        csv=Buried(1),
        extra=(("testdummy", VersionBits(bit=28, start_time=0, timeout=None, window=144, threshold=108)),),
    ),
    base_script_flags=_BASE_FLAGS,
    allow_private_addresses=True,
    own_magic=bytes.fromhex("fabfb5da"),
)


def _simnet_vote(bit: int, threshold: int = 75, min_activation_height: int = 0) -> VersionBits:
    return VersionBits(bit, 0, None, 100, threshold, min_activation_height)


SIMNET = Network(
    name="btcd-simnet",
    genesis_recipe=_recipe(1401292357, 2, 0x207FFFFF),
    pow_limit=_TRIVIAL_POW_LIMIT,
    spacing_s=600,
    retarget=Retarget(RetargetKind.BITCOIN, allow_min_difficulty=True),
    address_format=AddressFormat(63, 123, "sb"),
    keys=KeyFormat(100, bytes.fromhex("0420bd3a"), bytes.fromhex("0420b900"), bip44_coin_type=115),
    default_port=18555,
    rpc_port=18556,
    deployments=Deployments(
        csv=_simnet_vote(0),
        segwit=_simnet_vote(1),
        taproot=_simnet_vote(2),
        extra=(
            ("testdummy", _simnet_vote(28)),
            ("testdummy-min-activation", _simnet_vote(22, threshold=50, min_activation_height=600)),
        ),
    ),
    base_script_flags=ScriptFlag.P2SH,
    allow_private_addresses=True,
    own_magic=bytes.fromhex("161c1412"),
)

BITCOIN_NETWORKS = (BITCOIN, TESTNET3, TESTNET4, SIGNET, REGTEST, SIMNET)

_CHAIN_NAMES = {
    network.network_id: name
    for network, name in (
        (BITCOIN, "main"),
        (TESTNET3, "test"),
        (TESTNET4, "testnet4"),
        (SIGNET, "signet"),
        (REGTEST, "regtest"),
    )
}


def chain_name(network: Network) -> str:
    """What clients of Bitcoin Core know a network as, where it is one of Core's five; else its own name."""
    return _CHAIN_NAMES.get(network.network_id, network.name)
