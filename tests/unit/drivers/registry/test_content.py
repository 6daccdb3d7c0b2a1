"""Keys and entries as text: what is written is read again, and nothing else is."""

import pytest
from tests.unit.records.world import ALICE, BOB, NETWORK, record_of

from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_ADDRESSES_PER_NODE_MAX, REGISTRY_VALUE_BYTES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.registry.content import (
    Place,
    decode_entry,
    encode_entry,
    read_key,
    record_name,
)

ID, PEER = NETWORK.network_id, ALICE.peer_id.multihash
PLACES = (NodeAddress("10.1.2.3", 18444, PEER), NodeAddress("fd00::1", 18444, PEER))


def test_an_entry_is_text_that_says_where_a_node_listens() -> None:
    raw = encode_entry(ID, PLACES)
    assert raw.decode().splitlines() == [
        "minicoin node 1",
        f"network {ID.hex()}",
        f"address /ip4/10.1.2.3/tcp/18444/p2p/{ALICE.peer_id}",
        f"address /ip6/fd00::1/tcp/18444/p2p/{ALICE.peer_id}",
    ]
    assert decode_entry(raw, ID, PEER) == PLACES
    assert decode_entry(raw + b"later words of other versions\n", ID, PEER) == PLACES


def test_an_entry_holds_no_more_addresses_than_one_is_read_with() -> None:
    many = [NodeAddress("10.0.0.1", port, PEER) for port in range(1, 100)]
    assert len(decode_entry(encode_entry(ID, many), ID, PEER)) == REGISTRY_ADDRESSES_PER_NODE_MAX


def _elsewhere(raw: bytes, host: int) -> bytes:
    """Another address line."""
    return raw.splitlines(keepends=True)[2].replace(b".3/", b".%d/" % host)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda raw: b"", "not an entry"),
        (lambda raw: raw.replace(b"node 1", b"node 2"), "not an entry"),
        (lambda raw: raw + b"\xff", "not ASCII"),
        (lambda raw: raw + b"x" * REGISTRY_VALUE_BYTES_MAX, "bytes (at most"),
        (lambda raw: raw.replace(str(ALICE.peer_id).encode(), str(BOB.peer_id).encode()), "of somebody else"),
        (lambda raw: raw.replace(b"/p2p/" + str(ALICE.peer_id).encode(), b""), "of somebody else"),
        (lambda raw: raw.replace(b"/ip4/10.1.2.3", b"/dns4/bank.example"), "cannot be dialled"),
        (lambda raw: raw + b"address nonsense\n", "nonsense"),
        (lambda raw: raw + b"".join(_elsewhere(raw, n) for n in range(10, 19)), "11 addresses (at most 8)"),
    ],
)
def test_what_is_no_entry_of_this_node_is_refused(spoil, told: str) -> None:
    with pytest.raises(DecodeError) as error:
        decode_entry(spoil(encode_entry(ID, PLACES)), ID, PEER)
    assert told in str(error.value)


def test_an_entry_of_another_network_is_told_apart() -> None:
    with pytest.raises(DecodeError, match="another network"):
        decode_entry(encode_entry(bytes(32), PLACES), ID, PEER)


def test_keys() -> None:
    for place in (Place(PEER), Place(PEER, "config-0123")):
        assert read_key(place.key) == place
    assert Place(PEER).key == f"{ALICE.peer_id}/node"
    assert Place(PEER, "a-1").key == f"{ALICE.peer_id}/records/a-1"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "node",
        "x/node",
        "{}/",
        "{}/nodes",
        "{}/records",
        "{}/records/",
        "{}/records/A",
        "{}/records/a/b",
        "{}/../node",
        " {}/node",
        "{}/records/" + "a" * 81,
        "{}/node/" + "a" * 300,
    ],
)
def test_no_key_of_ours(key: str) -> None:
    with pytest.raises(DecodeError):
        read_key(key.replace("{}", str(ALICE.peer_id)))


def test_a_newer_record_has_the_name_of_the_older_and_another_place_has_another() -> None:
    one = record_of(ALICE, BOB, kind="config", key="k")
    names = [record_name(record_of(ALICE, kind="alert", key=key)) for key in ("a", "b")]
    assert record_name(one) == record_name(record_of(ALICE, BOB, kind="config", key="k", version=one.version + 1))
    assert len({record_name(one), *names}) == 3
    assert read_key(Place(PEER, record_name(one)).key) == Place(PEER, record_name(one))
