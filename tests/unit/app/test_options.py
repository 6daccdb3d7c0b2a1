from pathlib import Path

import pytest

from minicoin.app.networks import find_network, own_networks
from minicoin.app.options import known_keys, make_options, read_config
from minicoin.app.places import default_datadir
from minicoin.app.setup import setup_from_options
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import MAIN, REGTEST
from minicoin.core.params.toml_text import network_to_toml
from minicoin.drivers.transport import TransportKind


def _config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(text)
    return path


def test_defaults() -> None:
    options = make_options({})
    assert options.load_network() is MAIN
    assert options.resolved_rpc_port(MAIN) == MAIN.rpc_port
    assert options.resolved_datadir() == default_datadir(MAIN.name)
    assert options.resolved_datadir().name == "main"
    assert options.rpc_bind == "127.0.0.1"
    assert options.listen and options.dns_seed


def test_every_key_of_the_file_is_read(tmp_path: Path) -> None:
    text = f"""
        network = "regtest"
        datadir = "{tmp_path}/d"
        listen = 4000
        bind = ["127.0.0.1"]
        transport = "tcp"
        plainport = 4002
        identity = "{tmp_path}/key"
        allowpeer = ["12D3KooW"]
        mdns = true
        role = "member"
        registry = "etcd://127.0.0.1/minicoin"
        registryca = "{tmp_path}/ca.pem"
        registrycert = "{tmp_path}/node.pem"
        registrykey = "{tmp_path}/node.key"
        registryuser = "bank1"
        registrypasswordfile = "{tmp_path}/password"
        registrytokenfile = "{tmp_path}/token"
        registrymaxage = 60
        dns = "127.0.0.1:53"
        dial = ["a:1"]
        addnode = ["b:2"]
        connect = ["c:3"]
        seednode = ["d:4"]
        dnsseed = false
        miner = "address"
        mininginterval = 2
        maxinbound = 10
        banscore = 50
        bantime = 60
        scriptthreads = 2
        record = "{tmp_path}/node.rec"
        recordmaxmb = 5
        rpcbind = "::1"
        rpcport = 4001
        rpcuser = "alice"
        rpcpassword = "secret"
        rpcauth = ["bob:salt${"0" * 64}"]
        rpcallowip = ["127.0.0.1"]
        rpcservertimeout = 90
        rpcwhitelist = ["bob:getblockcount"]
        rpcwhitelistdefault = false
        jsonlogs = true
        logfile = "{tmp_path}/debug.log"
        debug = ["net"]
        verbose = true
        minrelaytxfee = 0.00001
        incrementalrelayfee = "0.00001"
        dustrelayfee = "0.00003"
        maxmempool = 50
        mempoolexpiry = 24
        persistmempool = false
        acceptnonstdtxn = 1
        permitbaremultisig = true
        datacarrier = true
        datacarriersize = 83
        bytespersigop = 40
        limitancestorcount = 5
        limitdescendantcount = 6
        blockmintxfee = 0
        blockmaxweight = 400000
        blocksonly = true
        peertimeout = 30
        whitelist = ["noban@10.0.0.0/8"]
        whitelistrelay = true
        anchor = "~/anchor.toml"
        recovery = ["~/recovery.toml"]
        signfrom = 5
        signer = "unix:/tmp/signer/socket"
        standby = true
        whitelistforcerelay = false
        externalip = ["1.2.3.4"]
        uacomment = ["here"]
        maxtipage = 3600
        minimumchainwork = "ff"
        assumevalid = "0"
        testactivationheight = ["csv@9"]
        blockversion = 4
        mocktime = 1700000000
    """
    written = {line.split("=")[0].strip() for line in text.splitlines() if "=" in line}
    # A seed takes the place of an identity file, and maxconnections that of maxinbound.
    assert written | {"identityseed", "maxconnections"} == set(known_keys())
    options = make_options({}, _config(tmp_path, text))
    assert options.network == "regtest"
    assert options.datadir == tmp_path / "d"
    assert (options.listen, options.listen_port) == (True, 4000)
    assert (options.plain_port, options.identity_file) == (4002, tmp_path / "key")
    assert make_options({}, _config(tmp_path, "identityseed = 7")).identity_seed == 7
    assert options.transport is TransportKind.PLAIN
    assert (options.dial, options.add_nodes, options.connect) == (("a:1",), ("b:2",), ("c:3",))
    assert (options.seed_nodes, options.dns_seed) == (("d:4",), False)
    assert (options.ban_score, options.ban_time_s, options.inbound_slots) == (50, 60, 10)
    assert (options.rpc_user, options.rpc_password, options.rpc_port) == ("alice", "secret", 4001)
    assert options.mining_interval_s == 2.0
    assert (options.record, options.record_max_mb) == (tmp_path / "node.rec", 5)
    assert (options.allow_peers, options.mdns, options.nameserver) == (("12D3KooW",), True, "127.0.0.1:53")
    assert options.log_json and options.verbose
    assert (options.minrelaytxfee, options.persistmempool, options.acceptnonstdtxn) == (1_000, False, True)
    assert options.testactivationheight == (("csv", 9),)
    assert "secret" not in repr(options)


def test_what_an_operator_chose_of_what_members_may_set_is_known(tmp_path: Path) -> None:
    assert make_options({}).chosen_settings() == ()
    given = {"inbound_slots": 115, "maxmempool": 50, "minrelaytxfee": None}
    assert make_options(given).chosen_settings() == ("mempool_mb", "inbound_slots")
    options = make_options({}, _config(tmp_path, "blockmaxweight = 400000\nmaxconnections = 40\n"))
    assert options.chosen_settings() == ("block_weight_max", "inbound_slots")
    assert setup_from_options(make_options(given | {"network": "regtest", "datadir": tmp_path})).policy.chosen == (
        "mempool_mb",
        "inbound_slots",
    )


def test_the_command_line_wins(tmp_path: Path) -> None:
    config = _config(tmp_path, 'network = "test"\nlisten = 1\nrpcport = 2\n')
    options = make_options({"listen_port": 7, "rpc_port": None, "dial": ()}, config)
    assert (options.network, options.listen_port, options.rpc_port) == ("test", 7, 2)


def test_listening_can_be_switched_off(tmp_path: Path) -> None:
    assert make_options({}, _config(tmp_path, "listen = false")).listen is False
    assert make_options({"listen": False}).listen is False


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lisen = 1", "unknown key 'lisen'; did you mean listen?"),
        ("addnodes = []", "did you mean addnode?"),
        ("zzzzzzz = 1", "known are network, datadir"),
        ("listen = 70000", "listen: input should be less than or equal to 65535"),
        ('listen = "7333"', "listen: input should be a valid integer"),
        ("dnsseed = 1", "dnsseed: input should be a valid boolean"),
        ("dial = [1]", "dial: input should be a valid string"),
        ('dial = "a:1"', "dial: input should be a valid tuple"),
        ('transport = "carrier"', "transport: "),
        ('rpcuser = "alice"', "rpcuser and rpcpassword belong together"),
        ('rpcuser = "a:b"\nrpcpassword = "x"', "must not hold a colon"),
        ("listen = ", "is not TOML"),
        ("listen = " + "9" * 5_000, "is not TOML"),
        ("listen = " + "[" * 50_000, "is not TOML"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    config = _config(tmp_path, text)
    with pytest.raises(MisuseError) as refused:
        make_options({}, config)
    assert problem in str(refused.value)
    assert str(config) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="cannot read"):
        read_config(tmp_path / "missing.toml")


def test_networks_by_name_and_file(tmp_path: Path) -> None:
    assert find_network("regtest") is REGTEST
    path = tmp_path / "mine.toml"
    path.write_text(network_to_toml(REGTEST))
    assert find_network(str(path)).network_id == REGTEST.network_id
    assert own_networks() == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [("nosuch", "unknown network 'nosuch'; known are main, test, regtest"), ("./nosuch.toml", "cannot read")],
)
def test_unknown_networks(name: str, problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        find_network(name)


def test_a_wrong_network_file_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(network_to_toml(REGTEST).replace("spacing_s = 60", "spacing_s = 0"))
    with pytest.raises(MisuseError, match=r"wrong.toml: network file: spacing_s must be 1 to"):
        find_network(str(path))
    for text in ("[", "a = " + "9" * 5_000, "a = " + "[" * 50_000):
        path.write_text(text)
        with pytest.raises(MisuseError, match=r"wrong\.toml: not TOML"):
            find_network(str(path))


def test_an_area_that_there_is_not_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        MisuseError, match=r"debug: no area 'nett'; there are mempool, mining, net, validation, wallet, all"
    ):
        make_options({"debug": ("nett",)})
    options = make_options({}, _config(tmp_path, f'debug = ["net", "mempool"]\nlogfile = "{tmp_path}/x.log"'))
    assert (options.debug, options.log_file) == (("net", "mempool"), tmp_path / "x.log")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('network = "regtest"\n', encoding="utf-8-sig")
    assert read_config(path) == {"network": "regtest"}
    own = tmp_path / "own.toml"
    own.write_text(network_to_toml(REGTEST), encoding="utf-8-sig")
    assert find_network(str(own)) == REGTEST


@pytest.mark.parametrize(("seconds", "interval_us"), [(0.0, 0), (1e-9, 1), (2.0, 2_000_000)])
def test_no_mining_interval_becomes_the_networks_own_by_rounding(seconds: float, interval_us: int) -> None:
    options = make_options({"network": "regtest", "mining_interval_s": seconds})
    assert setup_from_options(options).policy.mining_interval_us == interval_us
