import tomllib
from pathlib import Path

import pytest

from minicoin.app.networks import find_network, own_networks
from minicoin.app.options import NodeOptions
from minicoin.app.setup import setup_from_options
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.toml import network_from_mapping
from minicoin.core.primitives.target import bits_to_target, meets_target


def test_list_names_every_network(cli) -> None:
    rows = cli("network", "list", "--json").json
    assert [row["name"] for row in rows] == list(NETWORKS)
    shown = cli("network", "list").out
    assert all(name in shown for name in NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_show_gives_a_file_of_the_same_network(cli, name: str) -> None:
    network = network_from_mapping(tomllib.loads(cli("network", "show", name).out), OVERLAYS)
    assert network.network_id == NETWORKS[name].network_id


def test_a_new_network_is_found_by_its_name(cli) -> None:
    made = cli("network", "new", "village", "--spacing", "10", "--subsidy", "2.5", "--json")
    assert made.code == 0
    assert own_networks() == ["village"]
    network = find_network("village")
    assert network.network_id.hex() == made.json["network_id"]
    assert (network.spacing_s, network.subsidy_sat, network.address_format.hrp) == (10, 250_000_000, "village")
    header = network.genesis.header
    target = bits_to_target(header.bits)
    assert target is not None and meets_target(header.hash, target)
    assert "village" in cli("network", "list").out
    assert network.network_id not in {known.network_id for known in NETWORKS.values()}


def test_a_private_network_may_look_for_its_nodes_on_the_link(cli) -> None:
    assert cli("network", "new", "office", "--private", "--mdns").code == 0
    network = find_network("office")
    assert network.uses_mdns
    assert setup_from_options(NodeOptions(network="office")).uses_mdns
    # Found on the link means reachable there.
    assert {bind.host for bind in setup_from_options(NodeOptions(network="office")).binds} >= {"0.0.0.0"}
    alone = setup_from_options(NodeOptions(network="office", mdns=False))
    assert (alone.uses_mdns, [bind.host for bind in alone.binds]) == (False, ["127.0.0.1"])
    assert not setup_from_options(NodeOptions(network="regtest")).uses_mdns
    assert setup_from_options(NodeOptions(network="regtest", mdns=True)).uses_mdns
    with pytest.raises(MisuseError, match="main is not one"):
        setup_from_options(NodeOptions(network="main", mdns=True))


def test_a_network_chooses_how_its_nodes_connect(cli, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.toml" for name in OVERLAYS}
    for name, file in files.items():
        words = ("--trivial-work", "--message", "one chain", "--overlay", name)
        assert cli("network", "new", "lab", *words, "--out", str(file)).code == 0
    assert [find_network(str(file)).overlay for file in files.values()] == list(OVERLAYS)
    # It is no rule: nodes of two models are nodes of one network.
    one, *others = map(str, files.values())
    assert all(cli("network", "check", one, other).code == 0 for other in others)
    broken = tmp_path / "broken.toml"
    broken.write_text(files["random"].read_text().replace('"random"', '"nonsense"'))
    ran = cli("network", "show", str(broken))
    assert ran.code == 1
    assert f"overlay must be one of {', '.join(OVERLAYS)}, not 'nonsense'" in ran.err


def test_a_network_names_who_speaks_for_it(cli) -> None:
    ids = [Identity.from_number(number).peer_id for number in range(3)]
    words = [word for peer_id in ids for word in ("--founder", str(peer_id))]
    assert cli("network", "new", "pact", *words, "--alert-key", str(ids[0])).code == 0
    pact = find_network("pact")
    assert (pact.founders, pact.founder_quorum) == (tuple(peer_id.multihash for peer_id in ids), 2)
    assert pact.alert_keys == (ids[0].multihash,)
    assert cli("network", "new", "union", *words, "--founder-quorum", "3").code == 0
    assert find_network("union").founder_quorum == 3
    assert find_network("pact").network_id != find_network("union").network_id


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--founder", "nobody"], "--founder: not a peer id: 'nobody'; `minicoin net id` shows a node's"),
        (["--alert-key", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"], "alert_keys must hold peer ids with their"),
        (["--founder-quorum", "1"], "founder_quorum must be 1 to the number of founders (0)"),
    ],
)
def test_who_cannot_speak_for_a_network(cli, words, problem: str) -> None:
    ran = cli("network", "new", "pact", *words)
    assert ran.code == 1
    assert problem in ran.err
    assert own_networks() == []


def test_two_messages_are_two_networks(cli, tmp_path: Path) -> None:
    ids = set()
    for number in (1, 2):
        file = tmp_path / f"{number}.toml"
        ran = cli(
            "network", "new", "lab", "--trivial-work", "--message", f"number {number}", "--out", str(file), "--json"
        )
        ids.add(ran.json["network_id"])
        assert find_network(str(file)).allow_private_addresses
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["main"], "not a name"),
        (["Big Name"], "not a name"),
        (["x", "--message", "ä"], "ASCII"),
        (["x", "--message", "m" * 100], "characters"),
        (["x", "--prefix", "UPPER"], "hrp"),
        (["x", "--mdns"], "uses_mdns"),
        (["x", "--overlay", "nonsense"], f"no network model 'nonsense' for --overlay; there are {', '.join(OVERLAYS)}"),
        (["x", "--port", "5", "--rpc-port", "5"], "must differ"),
    ],
)
def test_what_cannot_be_a_network(cli, words, problem: str) -> None:
    ran = cli("network", "new", *words)
    assert ran.code == 1
    assert problem in ran.err
    assert own_networks() == []


def test_a_network_is_not_overwritten(cli) -> None:
    cli("network", "new", "mine")
    again = cli("network", "new", "mine")
    assert again.code == 1
    assert "exists already" in again.err


def test_check_says_which_rules_differ(cli, tmp_path: Path) -> None:
    cli("network", "new", "one", "--message", "m", "--out", str(tmp_path / "one.toml"))
    other = (tmp_path / "one.toml").read_text().replace("coinbase_maturity = 100", "coinbase_maturity = 7")
    (tmp_path / "other.toml").write_text(other.replace('name = "one"', 'name = "other"'))
    same = cli("network", "check", str(tmp_path / "one.toml"), str(tmp_path / "one.toml"))
    assert (same.code, same.out.startswith("the same rules: network id ")) == (0, True)
    ran = cli("network", "check", str(tmp_path / "one.toml"), str(tmp_path / "other.toml"))
    assert ran.code == 1
    assert ran.out.splitlines()[1].split() == ["coinbase_maturity", "100", "7"]
    told = cli("network", "check", "main", "test", "--json").json
    assert told["same"] is False
    assert "genesis" in [row["rule"] for row in told["different"]]


def test_an_edited_genesis_is_mined_anew(cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    cli("network", "new", "mine", "--message", "before", "--out", str(path))
    path.write_text("# kept\n" + path.read_text().replace("before", "after"))
    refused = cli("network", "show", str(path))
    assert refused.code == 1
    assert f"minicoin network genesis {path}" in refused.err
    mined = cli("network", "genesis", str(path), "--json")
    assert mined.code == 0
    assert find_network(str(path)).network_id.hex() == mined.json["network_id"]
    assert path.read_text().startswith("# kept\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.toml"]
    again = cli("network", "genesis", str(path))
    assert (again.code, "has its work already" in again.err) == (1, True)
