import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from minicoin import __version__
from minicoin.app import invocation as invocation_module
from minicoin.app import run as run_module
from minicoin.app.invocation import Invocation
from minicoin.drivers.registry.status import RegistryStatus

HEX64 = re.compile(r"[0-9a-f]{64}")


def test_help_and_version(cli) -> None:
    shown = cli("--help")
    assert shown.code == 0
    for verb in ("startnode", "createwallet", "send", "chain", "net", "wallet", "network", "data", "lab", "rpc"):
        assert verb in shown.out
    assert cli("--version").out.strip() == f"minicoin {__version__}"


def test_usage_errors_are_2(cli) -> None:
    assert cli("nosuch").code == 2
    assert cli("send", "address").code == 2
    assert cli("mine", "--", "-1").code == 2
    assert cli("startnode", "--listen", "70000").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["getinfo"],
        ["getbalance"],
        ["stop"],
        ["net", "peers"],
        ["wallet", "history"],
        ["data", "list"],
        ["chain", "info"],
    ],
)
def test_without_a_node_one_line_says_how_to_start_one(cli, words) -> None:
    ran = cli(*words)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith(f"error: no node is running for {cli.datadir}")
    assert ran.err.count("\n") == 1
    assert "minicoin startnode --network regtest" in ran.err


def test_errors_as_json(cli) -> None:
    ran = cli("getinfo", "--json")
    assert ran.code == 1
    assert "no node is running" in ran.json["error"]["message"]
    assert ran.err == ""


def test_an_unknown_network(cli) -> None:
    ran = cli("getinfo", "--network", "nosuch")
    assert ran.code == 1
    assert "unknown network 'nosuch'" in ran.err


def test_startnode_takes_options_from_both_places(cli, tmp_path, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(run_module, "run_node", lambda options: seen.append(options) or 0)
    config = tmp_path / "c.toml"
    config.write_text("rpcport = 5\nlisten = 6\n")
    ran = cli("startnode", "-c", str(config), "-l", "9", "-d", "a:1", "-d", "b:2", "--no-dnsseed")
    assert ran.code == 0
    (options,) = seen
    assert (options.network, options.datadir) == ("regtest", cli.datadir)
    assert (options.listen_port, options.rpc_port, options.dial) == (9, 5, ("a:1", "b:2"))
    assert options.dns_seed is False


def test_startnode_says_what_is_wrong(cli, tmp_path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("lisen = 6\n")
    ran = cli("startnode", "-c", str(config))
    assert ran.code == 1
    assert ran.err == f"error: {config}: unknown key 'lisen'; did you mean listen?\n"


def test_a_new_wallet_needs_a_passphrase_or_the_word(running) -> None:
    refused = running("createwallet")
    assert refused.code == 1
    assert "--no-passphrase" in refused.err
    created = running("createwallet", "--no-passphrase")
    assert created.code == 0
    assert "shown only now" in created.out
    assert running("createwallet", "--no-passphrase").err == "error: this node has a wallet already\n"


def test_a_locked_wallet_is_opened_for_one_payment(running) -> None:
    secret = {"MINICOIN_PASSPHRASE": "correct horse"}
    created = running("createwallet", "--json", env=secret).json
    assert len(created["mnemonic"].split()) == 12
    address = running("wallet", "address", "--json").json
    running("mine", "102", "--to", address)
    refused = running("send", address, "1")
    assert refused.code == 1
    assert "minicoin wallet unlock" in refused.err
    sent = running("send", address, "1", env=secret)
    assert sent.code == 0
    assert HEX64.search(sent.out)
    assert running("wallet", "info", "--json").json["locked"] is True
    wrong = running("send", address, "1", env={"MINICOIN_PASSPHRASE": "wrong"})
    assert wrong.code == 1
    assert "passphrase" in wrong.err
    assert running("wallet", "unlock", "60", env=secret).code == 0
    assert running("send", address, "1").code == 0
    assert running("wallet", "lock").code == 0


def test_a_payment_shows_up_everywhere(running) -> None:
    running("createwallet", "--no-passphrase")
    blocks = running("mine", "103", "--json").json
    assert len(blocks) == 103
    assert running("getbalance", "--json").out == (
        '{"confirmed":150.00000000,"pending":0.00000000,"immature":5000.00000000,"spendable":150.00000000,'
        '"held":0.00000000}\n'
    )
    assert re.search(r"confirmed +150\.00000000", running("getbalance").out)
    address = running("wallet", "address", "--label", "shop", "--json").json
    txid = running("send", address, "1.5", "--fee-rate", "3", "--json").json["txid"]
    rows = running("listaddresses", "--json").json
    assert {"shop", "mining"} <= {row["label"] for row in rows}
    assert txid in running("wallet", "history").out
    assert running("rpc", "getrawmempool", "--json").json == [txid]
    assert running("mine").code == 0
    shown = running("printchain", "-n", "2")
    assert "104" in shown.out and "103" in shown.out and len(HEX64.findall(shown.out)) == 2
    info = running("getinfo", "--json").json
    assert (info["blocks"], info["mempool"]) == (104, 0)
    assert running("send", address, "100000").err.startswith("error: Insufficient funds")
    for text in ("much", "1_0", "\uff11", "+1", " 1", "1.", ".5", "1e400", "0x1", "nan", "1.123456789", "-1"):
        refused = running("send", "--", address, text)
        assert refused.code == 1 and refused.err.startswith("error: not an amount: "), text
    assert running("send", address, "1", "--fee-rate", "1_0").err.startswith("error: not a fee rate: ")
    assert running("rpc", "getmempoolinfo", "--json").json["size"] == 0
    assert running("send", "nowhere", "1").code == 1


def test_what_arrives_and_what_it_costs(running) -> None:
    running("createwallet", "--no-passphrase")
    running("mine", "101")
    there = running("rpc", "decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6", "--json").json["address"]
    on_top = running("send", there, "10", "--json").json
    assert on_top["amount"] == 10 and on_top["total"] == 10 + on_top["fee"] > 10
    borne = running("send", there, "10", "--subtract-fee")
    (arrives, fee, cost) = map(Decimal, re.findall(r"[0-9]+\.[0-9]{8}", borne.out))
    assert arrives + fee == cost == 10 and fee > 0
    whole = running("send", there, "all", "--json").json
    assert running("getbalance", "--json").json["spendable"] == 0
    assert whole["total"] == pytest.approx(50 - on_top["total"] - 10, abs=1e-9)


def test_a_payment_is_given_up(running) -> None:
    assert running("wallet", "abandon", "ff" * 32).code == 1
    running("createwallet", "--no-passphrase")
    running("mine", "101")
    unknown = running("wallet", "abandon", "ff" * 32)
    assert unknown.err == "error: Invalid or non-wallet transaction id\n"


def test_data(running) -> None:
    running("createwallet", "--no-passphrase")
    assert "no data" in running("data", "list").out
    refused = running("data", "put", "bpm=70")
    assert refused.code == 1 and "Insufficient funds" in refused.err
    running("mine", "102")
    assert running("data", "put", "bpm=70").code == 0
    assert re.search(r"bpm=70 +pending", running("data", "list").out)
    running("mine")
    assert re.search(r"bpm=70 +block 103", running("data", "list").out)
    assert running("data", "list", "--json").json["items"][0]["text"] == "bpm=70"


def test_mining_on_and_off(running) -> None:
    running("createwallet", "--no-passphrase")
    assert running("mine", "--start").code == 0
    assert running("getinfo", "--json").json["mining"] is True
    assert running("mine", "--stop").code == 0
    assert running("getinfo", "--json").json["mining"] is False
    assert running("mine", "--start", "--stop").code == 1


STATUS = RegistryStatus(
    kind="etcd",
    endpoint="http://127.0.0.1:2379/minicoin",
    connected_since=None,
    unreachable_since=1_700_000_000,
    last_heard=1_699_999_990,
    is_announced=False,
    nodes=4,
    nodes_listed=0,
    records=2,
    ignored=1,
    max_age_s=86_400,
    error="etcd does not answer",
    warnings=("not reached for 10 minutes",),
)


def test_net_registry(running, monkeypatch) -> None:
    assert running("net", "registry").out.startswith("none; start the node with --registry")
    assert running("rpc", "getnetworkinfo", "--json").json["registry"] is None

    async def registry(status=STATUS):
        return status

    monkeypatch.setattr(running.port, "registry", registry, raising=False)
    shown = running("net", "registry").out
    for words in (
        "not reached since 2023-11-14 22:13:20 UTC; the node goes on with what it has",
        "2023-11-14 22:13:10 UTC",
        "does not stand there",
        "0 listed, 4 known",
        "etcd does not answer",
        "not reached for 10 minutes",
    ):
        assert words in shown
    told = running("rpc", "getnetworkinfo", "--json").json
    assert told["warnings"] == ["not reached for 10 minutes"] == running("getinfo", "--json").json["warnings"]
    assert told["registry"] == running("net", "registry", "--json").json
    assert (told["registry"]["max_age"], told["registry"]["announced"]) == (86_400, False)
    up = replace(STATUS, connected_since=1_700_000_000, unreachable_since=None, last_heard=None)
    monkeypatch.setattr(running.port, "registry", lambda: registry(up), raising=False)
    shown = running("net", "registry").out
    assert "connected since 2023-11-14 22:13:20 UTC" in shown and "never" in shown


def test_net(running) -> None:
    assert running("net", "peers").out.startswith("no peers;")
    assert running("net", "add", "127.0.0.1:9").code == 0
    assert running("net", "add", "/ip4/127.0.0.1/tcp/10/p2p/nobody").code == 1
    assert "127.0.0.1:9" in running("net", "added").out
    assert running("net", "remove", "127.0.0.1:9").code == 0
    assert running("net", "ban", "203.0.113.5", "--seconds", "60").code == 0
    assert "203.0.113.5/32" in running("net", "bans").out
    assert running("net", "unban", "203.0.113.5").code == 0
    assert running("net", "bans").out == "no bans\n"
    assert running("net", "ban", "nobody").code == 1
    assert running("net", "disconnect", "7").code == 1
    assert running("net", "ping").code == 0
    assert "minicoin" in running("net", "info").out
    assert "plain TCP only" in running("net", "id").out
    assert running("net", "addresses").out == "none\n"
    assert running("getpeerinfo", "--json").json == []


def test_raw_calls(running) -> None:
    assert running("rpc", "getblockcount").out == "0\n"
    assert HEX64.fullmatch(running("rpc", "getblockhash", "0").out.strip())
    named = running("rpc", "getblockhash", "--named", "height=0")
    assert named.out == running("rpc", "getblockhash", "0").out
    assert running("rpc", "getblockhash", "--named", "0").code == 1
    # Text stays text where the method takes text, even if it looks like a number.
    assert "isvalid" in running("rpc", "validateaddress", "123").out
    assert json.loads(running("rpc", "getblockchaininfo").out)["blocks"] == 0
    failed = running("rpc", "getblockhash", "9", "--json")
    assert failed.code == 1
    assert failed.json == {"error": {"code": -8, "message": "Block height out of range"}}
    assert running("rpc", "help", "getblock").out.startswith("getblock ")


def test_restoring_from_words_on_standard_input(running) -> None:
    words = "abandon " * 11 + "about"
    ran = running("wallet", "restore", "--no-passphrase", text=words + "\n")
    assert ran.code == 0
    assert running("wallet", "addresses").out.startswith("no address yet")
    assert running("wallet", "rescan").code == 0


def test_the_classic_flags_are_understood(cli, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(run_module, "run_node", lambda options: seen.append(options) or 0)
    ran = cli("startnode", "-l", "10000", "-secio", "-seed", "7", "-d", "/ip4/127.0.0.1/tcp/9")
    assert ran.code == 0
    assert ran.err == "-secio is not needed: libp2p connections are always encrypted (Noise)\n"
    (options,) = seen
    assert (options.listen_port, options.identity_seed, options.dial) == (10_000, 7, ("/ip4/127.0.0.1/tcp/9",))
    for words in (["--transport", "tcp"], ["--network", "bitcoin"]):
        refused = cli("startnode", "-secio", *words)
        assert (refused.code, "is not encrypted" in refused.err) == (1, True)


def test_mining_tells_one_line_and_hashes_on_demand(running) -> None:
    running("createwallet", "--no-passphrase")
    shown = running("mine", "3").out
    assert re.fullmatch(r"mined 3 blocks to mcrt1\w+; height 3\n", shown)
    assert running("mine").out.startswith("mined 1 block to ")
    assert len(HEX64.findall(running("mine", "2", "-v").out)) == 2
    assert len(running("mine", "2", "--json").json) == 2


def test_an_interrupt_ends_the_nodes_mining(running, monkeypatch) -> None:
    running("createwallet", "--no-passphrase")
    asked = []
    call = Invocation.call

    def interrupted(invocation, method, *params):
        asked.append(method)
        if method == "generatetoaddress" and asked.count(method) == 3:
            raise KeyboardInterrupt
        return call(invocation, method, *params)

    monkeypatch.setattr(Invocation, "call", interrupted)
    ran = running("mine", "9")
    assert (ran.code, ran.out) == (130, "stopped after 2 of 9 blocks\n")
    assert asked[-1] == "abortgenerate"


def test_errors_say_error_once(running) -> None:
    running("net", "add", "127.0.0.1:9")
    again = running("net", "add", "127.0.0.1:9")
    assert again.err == "error: Node already added\n"
    assert running("net", "add", "127.0.0.1:9", "--json").json["error"]["message"] == "Error: Node already added"


def test_a_ping_without_an_address_says_what_to_do(cli, running) -> None:
    assert running("net", "ping").out == "no peers to ping; name one: minicoin net ping ADDRESS\n"


def test_a_ping_without_a_node_says_what_to_do(cli) -> None:
    assert "name a peer to visit, which needs no node: minicoin net ping ADDRESS" in cli("net", "ping").err


def test_the_wallet_in_words(running) -> None:
    running("createwallet", "--no-passphrase")
    shown = running("wallet", "info").out
    assert "{" not in shown
    assert re.search(r"locked +no\n", shown)


@pytest.mark.parametrize("width", [80, 60, None])
def test_nothing_to_be_copied_is_cut_or_folded(running, monkeypatch, width) -> None:
    monkeypatch.setattr(invocation_module, "terminal_width", lambda: width)
    running("createwallet", "--no-passphrase")
    running("mine", "102")
    address = running("wallet", "address", "--label", "a shop with a name that is long").out.strip()
    txid = running("send", address, "1", "--json").json["txid"]
    running("data", "put", "d" * 80)
    for words, precious in (
        (["listaddresses"], [address]),
        (["wallet", "history"], [txid, address]),
        (["wallet", "info"], [running("rpc", "getbestblockhash").out.strip()]),
        (["data", "list"], ["d" * 80]),
        (["printchain"], [running("rpc", "getbestblockhash").out.strip()]),
        (["getinfo"], [running("rpc", "getbestblockhash").out.strip(), str(running.datadir)]),
        (["chain", "info"], [running("rpc", "getbestblockhash").out.strip()]),
    ):
        shown = running(*words).out
        assert all(text in shown for text in precious), words
