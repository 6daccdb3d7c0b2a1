def test_uptime_and_info(rpc) -> None:
    assert rpc("uptime") >= 0
    (active,) = rpc("getrpcinfo")["active_commands"]
    assert active["method"] == "getrpcinfo"
    assert active["duration"] >= 0


def test_addresses_are_validated(rpc) -> None:
    address = rpc("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")["address"]
    good = rpc("validateaddress", address.upper())
    assert good["isvalid"] is True
    assert good["address"] == address
    assert (good["iswitness"], good["witness_version"]) == (True, 0)
    assert good["scriptPubKey"] == "0014751e76e8199196d454941c45d1b3a323f1433bd6"
    for bad in ("", "nowhere", address[:-1], "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ä"):
        verdict = rpc("validateaddress", bad)
        assert verdict["isvalid"] is False
        assert verdict["error"]
        assert verdict["error_locations"] == []
    wrong = address[:10] + ("q" if address[10] != "q" else "p") + address[11:]
    assert rpc("validateaddress", wrong) == {
        "isvalid": False,
        "error_locations": [10],
        "error": "Invalid Bech32 checksum",
    }


def test_stop(rpc) -> None:
    assert rpc("stop") == "minicoin stopping"
    rpc.port.pass_time(1_000_000)
    assert rpc.port.host.runner is None


def test_the_file_of_the_log_is_told(rpc):
    assert rpc("getrpcinfo")["logpath"] == ""
    rpc.port.log_path = "/var/log/minicoin.log"
    assert rpc("getrpcinfo")["logpath"] == "/var/log/minicoin.log"


def test_logging_is_chosen_by_category(rpc):
    none = dict.fromkeys(("mempool", "mining", "net", "validation", "wallet"), False)
    assert rpc("logging") == none
    assert rpc("logging", ["net"]) == none | {"net": True}
    assert rpc("logging", ["all"], ["net", "mining", "validation", "wallet"]) == none | {"mempool": True}
    assert rpc.port.log_areas == {"mempool"}
    assert rpc("logging", [], ["1"]) == none
    assert "valid logging categories are: mempool, mining, net, validation, wallet; or all" in rpc("help", "logging")
    assert rpc.refusal("logging", ["nett"]) == (-8, "unknown logging category nett")
