"""From options to a node's setup: what Bitcoin Core's operators know by its names has its effect on the policy."""

from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import FOUNDERS, items, listed
from tests.unit.netsync.banks_chain import NETWORK as BANKS_NETWORK

from minicoin.app.options import make_options
from minicoin.app.setup import setup_from_options
from minicoin.core.faults import MisuseError
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.params.builtin import lookup
from minicoin.core.params.rules import Buried
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.policy.anchor import Anchor, anchor_to_toml
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US


def _setup(**given: object):
    return setup_from_options(make_options({"network": "bitcoin-regtest", **given}))


def test_who_stands_by_has_a_key_to_do_so() -> None:
    with pytest.raises(MisuseError, match="holds no signing key to stand by with"):
        _setup(standby=True)


def test_nothing_given_leaves_the_defaults() -> None:
    policy = _setup().policy
    assert policy.mempool == MempoolPolicy()
    assert policy.persists_mempool and not policy.blocks_only
    assert policy.mempool.bytes_max == 300_000_000
    assert policy.connect is None


def test_relay_policy() -> None:
    policy = _setup(
        minrelaytxfee="0.00002",
        incrementalrelayfee="0.00003",
        dustrelayfee="0",
        maxmempool=5,
        mempoolexpiry=1,
        persistmempool="0",
        acceptnonstdtxn="1",
        permitbaremultisig="0",
        datacarriersize=83,
        bytespersigop=50,
        limitancestorcount=3,
        limitdescendantcount=4,
        blockmaxweight=100_000,
        blockmintxfee="0.00000500",
    ).policy
    pool = policy.mempool
    assert (pool.min_relay_feerate, pool.incremental_feerate) == (2_000, 3_000)
    assert pool.bytes_max == 5_000_000
    assert pool.expiry_us == 3_600 * SECOND_US
    assert not policy.persists_mempool and not pool.require_standard
    known = pool.standardness
    assert (known.dust_feerate, known.datacarrier_bytes_max, known.permits_bare_multisig) == (0, 83, False)
    assert (pool.bytes_per_sigop, pool.block_min_feerate) == (50, 500)
    assert (pool.ancestors_max, pool.descendants_max, policy.block_weight_max) == (3, 4, 100_000)
    assert _setup(datacarrier="0", datacarriersize=83).policy.mempool.standardness.datacarrier_bytes_max == 0


def test_connections() -> None:
    policy = _setup(maxconnections=20, peertimeout=3, blocksonly="1", externalip=("2.2.2.2",), listen_port=7).policy
    # Eight of full relay, two for blocks only, one feeler.
    assert (policy.outbound_slots, policy.inbound_slots) == (8, 9)
    assert policy.peer_timeout_us == 3 * SECOND_US
    assert policy.blocks_only
    assert policy.external_address == NodeAddress("2.2.2.2", 7)
    assert _setup(maxconnections=0).policy.inbound_slots == 0
    assert _setup(connect=("0",)).policy.connect == ()
    assert _setup(connect=("1.2.3.4:5",)).policy.connect == (NodeAddress("1.2.3.4", 5),)
    assert _setup(uacomment=("here",)).policy.user_agent.endswith("(here)/")


def test_the_chain() -> None:
    setup = _setup(
        minimumchainwork="0x65", assumevalid="01", testactivationheight=("cltv@111", "csv@3"), maxtipage=60, mocktime=9
    )
    assert setup.network.minimum_chainwork == 101
    assert setup.network.assume_valid == bytes.fromhex("01" + 31 * "00")
    assert (setup.network.deployments.bip65, setup.network.deployments.csv) == (Buried(111), Buried(3))
    # A data directory of the network as it is may be gone on with.
    assert setup.network.network_id == _setup().network.network_id
    assert _setup(blockversion=1337).policy.block_version == 1337
    assert setup.policy.tip_age_max_us == 60 * SECOND_US
    assert setup.mock_time_us == 9 * SECOND_US
    main = setup_from_options(make_options({"network": "bitcoin", "assumevalid": "0"}))
    assert main.network.assume_valid is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"network": "bitcoin", "acceptnonstdtxn": "1"}, "not currently supported for main chain"),
        ({"network": "bitcoin", "mocktime": 1}, "trivial work"),
        ({"network": "bitcoin", "blockversion": 1}, "trivial work"),
        ({"network": "bitcoin", "testactivationheight": ("csv@1",)}, "trivial work"),
        ({"testactivationheight": ("bip42@1",)}, "Invalid name"),
        ({"minrelaytxfee": "1_0"}, "minrelaytxfee: invalid amount"),
        ({"minimumchainwork": "test"}, "^Invalid minimum work specified"),
        ({"maxmempool": 4}, "maxmempool: "),
        ({"peertimeout": 0}, "^peertimeout must be a positive integer"),
        ({"rpcauth": ("alice",)}, "-rpcauth"),
        ({"rpcallowip": ("0.0.0.0/0",)}, "TLS"),
        ({"maxconnections": 5, "inbound_slots": 5}, "exclude each other"),
        ({"uacomment": ("a/b",)}, "unsafe characters"),
        ({"listen": False, "plain_port": 0}, "^--plain-port says where to listen"),
        ({"listen": False, "bind": ("127.0.0.1",)}, "^--bind says where to listen"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        _setup(**given)


@pytest.fixture
def banks(tmp_path):
    """A network whose blocks members sign, as a file."""
    path = tmp_path / "banks.toml"
    path.write_text(network_to_toml(BANKS_NETWORK))
    return path


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"miner": "mcrt1qanything"}, "--miner: the members of this network sign its blocks"),
        ({"transport": "tcp"}, "--transport tcp: the nodes of banks know each other by their peer ids"),
        ({"plain_port": 0}, "--plain-port: the nodes of banks know each other by their peer ids"),
        ({"mocktime": 1}, "trivial work, and banks is not one"),
        ({"blockversion": 1}, "trivial work, and banks is not one"),
        ({"testactivationheight": ("csv@1",)}, "trivial work, and banks is not one"),
    ],
)
def test_what_makes_no_sense_where_members_sign_is_refused(banks, given, complaint) -> None:
    with pytest.raises(MisuseError) as refused:
        _setup(network=str(banks), **given)
    assert complaint in str(refused.value)
    assert _setup(network=str(banks)).default_transport == "libp2p"


def test_an_anchor_comes_from_its_file(banks, tmp_path) -> None:
    anchor = Anchor(3, items(3)[2].header.hash, listed(FOUNDERS))
    path = tmp_path / "anchor.toml"
    path.write_text(anchor_to_toml(anchor, BANKS_NETWORK))
    assert _setup(network=str(banks)).policy.anchor is None
    assert _setup(network=str(banks), anchor=path).policy.anchor == anchor
    with pytest.raises(MisuseError, match="bitcoin-regtest is not one"):
        _setup(anchor=path)
    other = replace(BANKS_NETWORK, genesis_recipe=replace(lookup("regtest").genesis_recipe, time=1))
    path.write_text(anchor_to_toml(anchor, other))
    with pytest.raises(MisuseError, match="of another network"):
        _setup(network=str(banks), anchor=path)
    path.write_text("height = ")
    with pytest.raises(MisuseError, match="is not TOML"):
        _setup(network=str(banks), anchor=path)
    with pytest.raises(MisuseError, match="cannot read the anchor file"):
        _setup(network=str(banks), anchor=tmp_path / "none.toml")
