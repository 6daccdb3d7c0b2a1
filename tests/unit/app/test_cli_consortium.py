"""Founding a consortium by the command line: what comes out, what is refused and why, and that no secret leaves."""

import tomllib
from pathlib import Path

import pytest

from minicoin.app.consortium.request import read_request
from minicoin.app.consortium.seed_words import first_script
from minicoin.app.identity import known_identity
from minicoin.app.networks import find_network, read_network
from minicoin.app.options import NodeOptions
from minicoin.app.setup import setup_from_options
from minicoin.app.signing_key import SIGNING_KEY_FILE, load_signing_key
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.script.standard import script_address
from minicoin.core.signers.admission import AdmissionRecord, AdmittedRole
from minicoin.core.units import COIN_SAT
from minicoin.core.wallet.keys import entropy_from_mnemonic

DATE = "2026-11-30"
OBSERVER = "12D3KooWQzh94LCsDcPSSxYBDVZjquTKwKqpH4Lb9fxvMFDgckur"


@pytest.fixture
def ask(cli, tmp_path: Path):
    """A bank's request, which goes to the directory `requests`."""

    def ask(bank: str, *words: str, network: str = "five", **how: object):
        folder = tmp_path / "requests"
        folder.mkdir(exist_ok=True)
        datadir, path = tmp_path / bank, folder / f"{bank}.request.toml"
        options = ["--datadir", str(datadir), "--out", str(path), "--no-passphrase", "--json"]
        return cli("consortium", "request", network, "--bank", bank, *options, *words, **how)

    return ask


@pytest.fixture
def found(cli, tmp_path: Path):
    """`consortium new` of those requests."""

    def found(*words: str, network: str = "five"):
        source = str(tmp_path / "requests")
        return cli("consortium", "new", network, "--from", source, "--date", DATE, "--json", *words)

    return found


def _member(datadir: Path) -> bytes:
    key = load_signing_key(datadir)
    assert key is not None
    return bytes(key.public_key_xonly.format())


def test_five_banks_found_a_network(ask, found, tmp_path: Path) -> None:
    asked = [ask(bank, "--wallet", "--address", f"10.0.0.{place}:27433") for place, bank in enumerate("EDCBA", 1)]
    assert [one.code for one in asked] == [0] * 5
    made = found("--allocation", "A=10", "--allocation", "B=2.5", "--interval", "3", "--empty-after", "30", "--yes")
    assert (made.code, made.err) == (0, "")
    network = find_network("five")
    assert network.network_id.hex() == made.json["network_id"]
    assert isinstance(network.proof, SignersKind)
    keys = {one.json["bank"]: bytes.fromhex(one.json["key"]) for one in asked}
    assert dict(zip(network.proof.names, network.proof.members, strict=True)) == keys
    assert list(network.proof.members) == sorted(keys.values())
    assert (network.proof.min_interval_s, network.proof.empty_after_s) == (3, 30)
    assert (made.json["quorum"], made.json["faults"], made.json["warnings"]) == (4, 1, [])
    scripts = {one.json["bank"]: bytes.fromhex(one.json["pay_to"]) for one in asked}
    assert network.proof.allocation == ((scripts["A"], 10 * COIN_SAT), (scripts["B"], 5 * COIN_SAT // 2))
    assert (network.subsidy_sat, network.coinbase_maturity, network.own_messages) == (0, 1, True)


def test_the_file_says_where_the_nodes_listen_and_nobody_dials_itself(ask, found, tmp_path: Path) -> None:
    words = {"A": ["10.0.0.1:27433", "[fd00::1]:27433"], "B": ["b.example:1"], "C": []}
    asked = [ask(bank, *(f"--address={one}" for one in addresses)).json for bank, addresses in words.items()]
    made = found("--yes")
    assert made.json["nodes"] == list(find_network("five").nodes)
    assert any("where the nodes of these listen: C;" in warning for warning in made.json["warnings"])
    peers = {one["bank"]: PeerId.parse(one["node"]).multihash for one in asked}
    told = setup_from_options(NodeOptions(network="five", datadir=tmp_path / "A", dial=("c.example:2",)))
    assert sorted(told.policy.add_nodes) == sorted(
        [
            NodeAddress("10.0.0.1", 27433, peers["A"]),
            NodeAddress("fd00::1", 27433, peers["A"]),
            NodeAddress("b.example", 1, peers["B"]),
            NodeAddress("c.example", 2),
        ]
    )


def test_more_addresses_than_a_file_holds_are_refused(ask, found) -> None:
    for bank in "ABCDEFGHIJKLMNOPQ":
        assert ask(bank, *(f"--address=10.0.0.{one}:1" for one in range(16))).code == 0
    refused = found("--yes")
    assert refused.code == 1
    assert "name 272 addresses, and a network file holds 256 at most" in refused.json["error"]["message"]


def test_the_keys_stay_where_they_were_made(ask, tmp_path: Path) -> None:
    assert ask("A").code == 0
    key = load_signing_key(tmp_path / "A")
    assert key is not None
    handed = (tmp_path / "requests/A.request.toml").read_text()
    assert key.secret.hex() not in handed
    assert known_identity(tmp_path / "A").private_message.hex() not in handed
    assert read_request(tmp_path / "requests/A.request.toml").key == _member(tmp_path / "A")


def test_only_the_nodes_that_were_named_may_connect(ask, found, tmp_path: Path) -> None:
    ask("A", "--observer", OBSERVER)
    ask("B")
    assert found("--yes").code == 0
    proof = find_network("five").proof
    assert isinstance(proof, SignersKind)
    rows = AdmissionRecord.decode(proof.admission).rows
    nodes = {bank: known_identity(tmp_path / bank).peer_id.multihash for bank in "AB"}
    assert [(row.name, row.role) for row in rows] == [
        ("A", AdmittedRole.SIGNER),
        ("A", AdmittedRole.OBSERVER),
        ("B", AdmittedRole.SIGNER),
    ]
    assert [rows[0].peer_ids, rows[2].peer_ids] == [(nodes["A"],), (nodes["B"],)]


def test_an_open_network_says_so(ask, found) -> None:
    for bank in "ABCD":
        ask(bank, "--address", "bank.example:27433")
    made = found("--open", "--allocation", "D=1", "--yes")
    assert made.code == 1
    assert "the request of D names nowhere to pay" in made.json["error"]["message"]
    made = found("--open", "--yes")
    assert [warning.split(":")[0] for warning in made.json["warnings"]] == ["no --allocation", "--open"]
    proof = find_network("five").proof
    assert isinstance(proof, SignersKind) and proof.admission == b""


def test_the_wallet_of_the_words_is_paid(ask) -> None:
    made = ask("A", "--wallet").json
    assert first_script(entropy_from_mnemonic(made["mnemonic"])).hex() == made["pay_to"]


def test_an_address_is_paid_as_well(ask, found) -> None:
    ask("A")
    script = b"\x00\x14" + bytes(20)
    address = script_address(script, find_network("main").address_format)
    assert "is no bank of these (A)" in found("--allocation", f"{address}=1", "--yes").json["error"]["message"]
    prefixed = found("--prefix", "mc", "--allocation", f"{address}=1", "--yes")
    assert prefixed.json["allocation"] == [{"script": script.hex(), "address": address, "amount_sat": COIN_SAT}]


def test_everybody_who_founds_gets_the_same_network(ask, found, tmp_path: Path) -> None:
    for bank in "ABCD":
        ask(bank)
    first = found("--out", str(tmp_path / "one.toml"), "--yes")
    second = found("--out", str(tmp_path / "two.toml"), "--yes")
    assert first.json["network_id"] == second.json["network_id"]
    assert (tmp_path / "one.toml").read_text() == (tmp_path / "two.toml").read_text()
    other = found("--out", str(tmp_path / "three.toml"), "--interval", "2", "--yes")
    assert other.json["network_id"] != first.json["network_id"]


@pytest.mark.parametrize(
    ("count", "warnings"),
    [
        (1, ["1 member tolerates no liar", "a block needs every member"]),
        (2, ["2 members tolerate no liar", "a block needs every member"]),
        (3, ["3 members tolerate no liar"]),
        (4, []),
        (5, []),
    ],
)
def test_few_members_are_warned(ask, found, count: int, warnings: list[str]) -> None:
    for bank in "ABCDE"[:count]:
        ask(bank, "--address", "bank.example:27433", "--wallet")
    made = found("--dry-run", "--allocation", "A=1")
    assert [warning.split(":")[0] for warning in made.json["warnings"]] == warnings
    for warning in made.json["warnings"]:
        assert f"warning: {warning}" in made.err


def test_a_dry_run_writes_nothing(ask, found, cli, tmp_path: Path) -> None:
    ask("A")
    shown = cli("consortium", "new", "five", "--from", str(tmp_path / "requests"), "--dry-run")
    assert shown.code == 0
    assert "1 member; a block takes 1; 0 may lie or be down" in shown.out
    assert "would be written" in shown.out
    assert not (tmp_path / "config").exists()


def test_nothing_is_written_without_a_yes(ask, found, tmp_path: Path) -> None:
    ask("A")
    refused = found()
    assert refused.code == 1
    assert "nothing was written: look at it with --dry-run, then say --yes" in refused.json["error"]["message"]
    assert not (tmp_path / "config").exists()


def test_duplicates_are_refused_with_who(ask, found, tmp_path: Path) -> None:
    ask("A")
    ask("B")
    first, second = tmp_path / "requests/A.request.toml", tmp_path / "requests/C.request.toml"
    second.write_text(first.read_text())
    message = found("--yes").json["error"]["message"]
    assert message.startswith(f"{first} and {second} both name the bank A")


def test_one_key_under_two_names_is_refused(ask, found, cli, tmp_path: Path) -> None:
    ask("A")
    again = tmp_path / "requests/B.request.toml"
    cli("consortium", "request", "five", "--bank", "B", "--datadir", str(tmp_path / "A"), "--out", str(again))
    assert "both name the key" in found("--yes").json["error"]["message"]


def test_one_node_of_two_banks_is_refused(ask, found) -> None:
    ask("A", "--observer", OBSERVER)
    ask("B", "--observer", OBSERVER)
    assert f"both name the node {OBSERVER}" in found("--yes").json["error"]["message"]


def test_a_request_for_another_network_is_refused(ask, found) -> None:
    ask("A", network="six")
    assert "A asks for the network six, not five" in found("--yes").json["error"]["message"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('bank = "A"', 'bank = "B"', "the signature of B does not hold: the file was changed or mistyped"),
        ('addresses = ["a.example:1"]', 'addresses = ["b.example:1"]', "the signature of A does not hold"),
        ('pay_to = ""', 'pay_to = "51"', "the signature of A does not hold"),
        ('network = "five"', 'network = "fiver"', "the signature of A does not hold"),
        ("observers = []", f'observers = ["{OBSERVER}"]', "the signature of A does not hold"),
        ('key = "', 'key = "00', "key must have 32 bytes, has 33"),
        ('node = "', 'node = "x', "node holds 'x12D3"),
        ('bank = "A"', 'bank = "A"\nsecret = "x"', "secret is not a known key"),
        ('bank = "A"', 'bank = " A"', "a bank's name has 1 to 64 bytes"),
        ('bank = "A"', "", "request: bank is missing"),
        ('bank = "A"', "bank", "is not TOML"),
        ('"a.example:1"', '"a.example:"', "not a port"),
        ('"a.example:1"', ",".join(['"a.example:1"'] * 17), "addresses holds 17, at most 16"),
        ('pay_to = ""', f'pay_to = "{"00" * 600}"', "pay_to has 600 bytes, at most 520"),
        ('signature = "', 'signature = "zz', "signature must be hexadecimal"),
        ("# A", "#" * 40_000 + " A", "more than 32768 bytes"),
    ],
)
def test_a_request_that_was_changed_is_refused(ask, found, tmp_path: Path, old: str, new: str, problem: str) -> None:
    ask("A", "--address", "a.example:1")
    path = tmp_path / "requests/A.request.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused = found("--yes")
    assert refused.code == 1
    assert refused.json["error"]["message"].startswith(str(path))
    assert problem in refused.json["error"]["message"]


def test_what_a_request_says_survives_a_comment(ask, found, tmp_path: Path) -> None:
    ask("A")
    path = tmp_path / "requests/A.request.toml"
    path.write_text("# read to me over the telephone\n" + path.read_text())
    assert found("--yes").code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--bank", ""], "a bank's name has 1 to 64 bytes"),
        (["--bank", "A\nB"], "a bank's name has 1 to 64 bytes"),
        (["--bank", "A", "--address", "a.example"], "expected HOST:PORT"),
        (["--bank", "A", "--address", "a.example:0"], "not a port"),
        (["--bank", "A", "--observer", "me"], "--observer 'me'"),
        (["--bank", "A", "--observer", OBSERVER, "--observer", OBSERVER], "names one node twice"),
        (["--bank", "A", "--pay-to", "mc1q"], "--pay-to 'mc1q' is no script in hexadecimal"),
        (["--bank", "A", "--pay-to", "51", "--wallet"], "both say where to pay"),
        (["--bank", "A", "--out", "mine.toml"], "call it something.request.toml"),
    ],
)
def test_a_request_of_nonsense_is_refused(cli, words: list[str], problem: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = cli("consortium", "request", "five", "--no-passphrase", *words)
    assert refused.code == 1
    assert problem in refused.err
    assert not list(tmp_path.glob("*.request.toml"))


@pytest.mark.parametrize("name", ["Five", "main", "", "a b"])
def test_a_name_no_network_can_have_is_refused(cli, name: str, tmp_path: Path) -> None:
    for words in (["request", name, "--bank", "A"], ["new", name, "--lab", str(tmp_path / "lab")]):
        refused = cli("consortium", *words)
        assert (refused.code, "not a name for a new network" in refused.err) == (1, True)


def test_a_key_needs_a_passphrase_or_a_word(cli, tmp_path: Path) -> None:
    out = str(tmp_path / "a.request.toml")
    refused = cli("consortium", "request", "five", "--bank", "A", "--out", out)
    assert refused.code == 1
    assert "a signing key needs a passphrase: set MINICOIN_SIGNING_PASSPHRASE" in refused.err
    assert not (cli.datadir / SIGNING_KEY_FILE).exists()
    made = cli("consortium", "request", "five", "--bank", "A", "--out", out, env={"MINICOIN_SIGNING_PASSPHRASE": "x"})
    assert (made.code, made.err) == (0, "")
    loud = cli("consortium", "request", "five", "--bank", "B", "--no-passphrase", "--datadir", str(tmp_path / "b"),
               "--out", str(tmp_path / "b.request.toml"))  # fmt: skip
    assert "warning: the signing key lies open in" in loud.err


def test_a_key_is_kept_when_it_is_asked_with_again(ask, tmp_path: Path) -> None:
    first = ask("A").json
    assert "exists already" in ask("A").json["error"]["message"]
    (tmp_path / "requests/A.request.toml").unlink()
    second = ask("A", "--address", "a.example:1").json
    assert second["key"] == first["key"]
    assert second["addresses"] == ["a.example:1"]


def test_a_dry_request_makes_nothing(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = cli("consortium", "request", "five", "--bank", "Bank A", "--dry-run")
    assert shown.code == 0
    assert "bank-a.request.toml: would be written" in shown.out
    assert not cli.datadir.exists()
    assert not list(tmp_path.glob("*.request.toml"))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "say where the requests are with --from DIR"),
        (["--from", "a", "--lab", "b"], "say where the requests are with --from DIR"),
        (["--from", "nowhere", "--date", "30.11.2026"], "--date '30.11.2026': expected YYYY-MM-DD"),
        (["--from", "nowhere", "--date", "2100-01-01"], "no block could follow a genesis block of that day"),
        (["--from", "nowhere"], "no *.request.toml in nowhere"),
        (["--lab", "lab", "--dry-run"], "--dry-run is of --from"),
    ],
)
def test_a_founding_of_nothing_is_refused(cli, words: list[str], problem: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = cli("consortium", "new", "five", *words)
    assert refused.code == 1
    assert problem in refused.err


@pytest.mark.parametrize(
    "text", ["A", "A=", "=1", "A=x", "A=0", "A=-1", "A=0.000000001", "A=NaN", "A=1e99", "Infinity"]
)
def test_an_allocation_of_nonsense_is_refused(ask, found, text: str) -> None:
    ask("A", "--wallet")
    assert "expected BANK=AMOUNT or ADDRESS=AMOUNT" in found("--allocation", text).json["error"]["message"]


def test_more_than_all_coins_is_refused(ask, found) -> None:
    ask("A", "--wallet")
    message = found("--allocation", "A=20000000", "--allocation", "A=20000000").json["error"]["message"]
    assert message == "--allocation adds up to 40000000 coins; at most 21000000"


def test_a_file_that_is_there_is_kept(ask, found, tmp_path: Path) -> None:
    ask("A")
    assert found("--yes").code == 0
    assert "exists already" in found("--yes").json["error"]["message"]


def test_a_laboratory_is_made_by_one_hand(cli, tmp_path: Path) -> None:
    made = cli("consortium", "new", "five", "--lab", str(tmp_path / "lab"), "--json")
    assert made.code == 0
    assert "warning: all keys were made by one hand and lie open: for laboratories only" in made.err
    network = read_network(Path(made.json["file"]))
    assert isinstance(network.proof, SignersKind)
    assert sorted(network.proof.names) == [f"Bank {letter}" for letter in "ABCDE"]
    members = {name: _member(Path(datadir)) for name, datadir in made.json["datadirs"].items()}
    assert dict(zip(network.proof.names, network.proof.members, strict=True)) == members
    assert [amount for _, amount in network.proof.allocation] == [1_000 * COIN_SAT] * 5
    words = (tmp_path / "lab/bank-a/seed-words.txt").read_text()
    assert network.proof.allocation[0][0] == first_script(entropy_from_mnemonic(words))
    again = cli("consortium", "new", "six", "--lab", str(tmp_path / "lab"))
    assert (again.code, "exists already; choose another directory" in again.err) == (1, True)


def test_a_node_with_a_key_signs_and_one_without_looks_on(cli, tmp_path: Path) -> None:
    made = cli("consortium", "new", "five", "--lab", str(tmp_path / "lab"), "--json").json
    for bank, datadir in made["datadirs"].items():
        setup = setup_from_options(NodeOptions(network=made["file"], datadir=Path(datadir)))
        assert len(setup.signing_keys) == 1
        proof = setup.network.proof
        assert isinstance(proof, SignersKind)
        place = proof.founding_list.index(setup.signing_keys[0].public_key_xonly.format())
        assert place is not None and proof.names[place] == bank
    assert setup_from_options(NodeOptions(network=made["file"], datadir=tmp_path / "observer")).signing_keys == ()


def test_a_key_is_for_networks_of_signers(cli, tmp_path: Path) -> None:
    made = cli("consortium", "new", "five", "--lab", str(tmp_path / "lab"), "--json").json
    datadir = Path(made["datadirs"]["Bank A"])
    with pytest.raises(MisuseError, match="holds a signing key, and nobody signs the blocks of regtest"):
        setup_from_options(NodeOptions(network="regtest", datadir=datadir))


def test_the_file_says_all_there_is_to_choose(ask, found, tmp_path: Path) -> None:
    ask("A")
    found("--out", str(tmp_path / "five.toml"), "--yes")
    proof = tomllib.loads((tmp_path / "five.toml").read_text())["proof"]
    assert proof["kind"] == "signers"
    assert [member["name"] for member in proof["members"]] == ["A"]
    assert "propose_timeout_ms" in proof
