"""etcd's JSON: what is asked, as the gateway wants it, and what of its answers counts."""

import json

import pytest

from minicoin.core.faults import DecodeError
from minicoin.drivers.registry import etcd_json as ej
from minicoin.drivers.registry.etcd_json import Change, EtcdFailure, KeyValue, Page, WatchLine


def test_what_is_asked() -> None:
    assert ej.put_request(b"/m/k", b"v") == {"key": "L20vaw==", "value": "dg=="}
    assert ej.put_request(b"/m/k", b"v", 1 << 62)["lease"] == "4611686018427387904"
    asked = ej.keys_request(b"/m/", 5)
    assert asked == {"key": "L20v", "range_end": "L20w", "keys_only": True, "limit": "5"}
    created = ej.create_request(b"k", b"v", 7)
    assert created["compare"] == [{"key": "aw==", "target": "CREATE", "result": "EQUAL", "create_revision": "0"}]
    assert json.loads(ej.encode(ej.watch_request(b"/m/", 9))) == {
        "create_request": {"key": "L20v", "range_end": "L20w", "start_revision": "9"}
    }


def test_fields_of_zero_are_left_out_and_numbers_are_texts() -> None:
    answer = {"header": {"revision": "12"}, "kvs": [{"key": "aw==", "mod_revision": "3"}], "more": True}
    assert ej.read_page(answer) == Page(12, (KeyValue(b"k", b"", 3),), True)
    assert ej.read_page({}) == Page(0, (), False)
    assert ej.read_time_to_live({"result": {"ID": "5"}}) == 0
    assert ej.read_time_to_live({"result": {"ID": "5", "TTL": "30"}}) == 30
    assert ej.read_created({"succeeded": True}) == (True, None)
    failed = {"responses": [{"response_range": {"kvs": [{"key": "aw==", "value": "dg=="}]}}]}
    assert ej.read_created(failed) == (False, b"v")


def test_lines_of_a_watch() -> None:
    line = b'{"result":{"header":{"revision":"4"},"events":[{"kv":{"key":"aw==","value":"dg==","mod_revision":"4"}},'
    line += b'{"type":"DELETE","kv":{"key":"aw==","mod_revision":"5"}}]}}'
    changes = (Change(KeyValue(b"k", b"v", 4), False), Change(KeyValue(b"k", b"", 5), True))
    assert ej.read_watch(line) == WatchLine(4, changes)
    assert ej.read_watch(b'{"result":{"created":true}}') == WatchLine(0)
    compacted = ej.read_watch(b'{"result":{"canceled":true,"compact_revision":"8"}}')
    assert (compacted.compact_revision, compacted.is_canceled) == (8, True)
    with pytest.raises(EtcdFailure) as failure:
        ej.read_watch(b'{"error":{"grpc_code":16,"message":"etcdserver: invalid auth token"}}')
    assert (failure.value.code, failure.value.message) == (16, "etcdserver: invalid auth token")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"result":[]}', b'{"result":{"events":{}}}',
        b'{"result":{"events":[1]}}', b'{"result":{"events":[{"kv":{"key":"!"}}]}}',
        b'{"result":{"events":[{"kv":{"key":"aw==","mod_revision":"' + b"9" * 30 + b'"}}]}}',
        b'{"result":{"compact_revision":true}}', b'{"result":{"cancel_reason":1}}', b'{"error":{"message":1}}',
    ],
)  # fmt: skip
def test_what_no_server_says_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        ej.read_watch(raw)


NO_NUMBERS = (
    "\u00b2",
    "-\u00b2",
    "\u0663",
    "",
    "-",
    "--1",
    "1 ",
    "0x1",
    str(1 << 63),
    1 << 63,
    10**4_299,
    True,
    1.0,
    None,
)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_number_that_is_none_of_64_bits_is_refused(number: object) -> None:
    with pytest.raises(DecodeError, match="TTL is no number"):
        ej.read_time_to_live({"result": {"TTL": number}})


def test_numbers_of_64_bits_to_their_ends() -> None:
    for number in ((1 << 63) - 1, -1 << 63):
        assert ej.read_lease({"ID": number}) == ej.read_lease({"ID": str(number)}) == number


@pytest.mark.parametrize("token", ["\u00b2", "a\nb", "\ud800"])
def test_a_token_that_no_header_can_carry_is_none(token: str) -> None:
    with pytest.raises(DecodeError, match="token is no token"):
        ej.read_token({"token": token})
