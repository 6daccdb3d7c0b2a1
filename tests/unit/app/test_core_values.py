"""The grammar of Bitcoin Core's option values: switches, fees in coins, hashes, comments, networks of RPC clients."""

import pytest

from minicoin.app.core_values import (
    check_loopback,
    make_user_agent,
    parse_activation,
    parse_block_hash,
    parse_feerate,
    parse_switch,
    parse_work,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("0", False), ("", True), ("2", True), ("no", False), (True, True), (False, False), (0, False)],
)
def test_switches(value: object, expected: bool) -> None:
    assert parse_switch(value) is expected


@pytest.mark.parametrize(
    ("value", "sat"), [("0.00001", 1_000), ("0", 0), ("0.00000001", 1), ("1", 100_000_000), (0.0001, 10_000), (0, 0)]
)
def test_fee_rates_are_coins_per_kvb(value: object, sat: int) -> None:
    assert parse_feerate(value) == sat


@pytest.mark.parametrize("value", ["1_0", "-1", "1e-5", "0.000000001", "", "٣", " 1", "21000001", True])
def test_fee_rates_are_plain_decimals(value: object) -> None:
    with pytest.raises(ValueError, match="invalid amount"):
        parse_feerate(value)


def test_hexadecimal_values() -> None:
    assert parse_work("0x0f") == parse_work("f") == 15
    assert parse_block_hash("0x1") == bytes.fromhex("01" + 31 * "00")
    assert not any(parse_block_hash("0"))
    for parse in (parse_work, parse_block_hash):
        for wrong in ("", "g", 65 * "0"):
            with pytest.raises(ValueError, match="hex digits"):
                parse(wrong)


def test_activation_heights() -> None:
    assert parse_activation("bip34@2") == ("bip34", 2)
    for wrong in ("bip34", "bip34@", "@2", "bip34@-2", "bip34@two"):
        with pytest.raises(ValueError, match="NAME@HEIGHT"):
            parse_activation(wrong)


def test_user_agents() -> None:
    assert make_user_agent("minicoin", "1.0", ()) == "/minicoin:1.0/"
    assert make_user_agent("minicoin", "1.0", ("first", "2nd one")) == "/minicoin:1.0(first; 2nd one)/"
    longest = "x" * (256 - len("/minicoin:1.0()/"))
    assert len(make_user_agent("minicoin", "1.0", (longest,))) == 256
    with pytest.raises(ValueError, match=r"\(257\) exceeds maximum length \(256\)"):
        make_user_agent("minicoin", "1.0", (longest + "x",))
    for unsafe in ("/", ":", "(", ")", "\n", "₿"):
        with pytest.raises(ValueError, match="unsafe characters"):
            make_user_agent("minicoin", "1.0", (unsafe,))


def test_only_this_machine_may_call() -> None:
    for mine in ("127.0.0.1", "127.0.0.0/8", "::1"):
        assert check_loopback(mine) == mine
    for others in ("0.0.0.0/0", "10.0.0.1", "::/0"):
        with pytest.raises(ValueError, match="TLS"):
            check_loopback(others)
    with pytest.raises(ValueError, match="subnet specification"):
        check_loopback("nowhere")
