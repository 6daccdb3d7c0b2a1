"""The ban list: its subjects, look-ups, bounds and persisted form."""

import pytest

from minicoin.core.connmgr.bans import Ban, BanList, parse_subject, peer_subject, subjects_of
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import BANS_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros

PEER_ID = bytes.fromhex("002408011220") + bytes(range(32))


@pytest.mark.parametrize(
    ("typed", "subject"),
    [
        ("1.2.3.4", "1.2.3.4/32"),
        (" 1.2.3.4/16 ", "1.2.0.0/16"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("node.example:8333", "node.example:8333"),
        ("127.0.0.1:18444", "127.0.0.1:18444"),
        ("[::1]:18444", "[::1]:18444"),
        (peer_subject(PEER_ID), peer_subject(PEER_ID)),
        ("/" + peer_subject(PEER_ID), peer_subject(PEER_ID)),
        (peer_subject(PEER_ID).removeprefix("p2p/"), peer_subject(PEER_ID)),
        ("/" + peer_subject(PEER_ID), peer_subject(PEER_ID)),
        (peer_subject(PEER_ID).replace("p2p/", "/ipfs/"), peer_subject(PEER_ID)),
        ("p2p/" + PeerId(PEER_ID).to_cid(), peer_subject(PEER_ID)),
    ],
)
def test_reads_what_people_type(typed, subject):
    assert parse_subject(typed) == subject


@pytest.mark.parametrize(
    "typed", ["", "nonsense", "1.2.3.4/40", "1.2.3.4:0", "1.2.3.4:99999", "p2p/0OIl", "12D3KooW", "p2p/1111"]
)
def test_refuses_nonsense(typed):
    with pytest.raises(DecodeError):
        parse_subject(typed)


@pytest.mark.parametrize(
    ("host", "is_inbound", "is_private", "expected"),
    [
        ("8.8.8.8", True, False, ("8.8.8.8/32",)),
        ("8.8.8.8", True, True, ("8.8.8.8/32",)),
        ("10.0.0.7", True, False, ("10.0.0.7/32",)),
        ("10.0.0.7", True, True, ()),
        ("10.0.0.7", False, True, ("10.0.0.7:5",)),
        ("127.0.0.1", True, False, ()),
        ("::1", False, False, ("[::1]:5",)),
        ("seed.example", False, False, ("seed.example:5",)),
    ],
)
def test_what_a_misbehaving_peer_is_banned_by(host, is_inbound, is_private, expected):
    assert subjects_of(NodeAddress(host, 5), is_inbound=is_inbound, is_private_network=is_private) == expected
    named = subjects_of(NodeAddress(host, 5, PEER_ID), is_inbound=is_inbound, is_private_network=is_private)
    assert named == (peer_subject(PEER_ID), *expected)


def ban(subject, until=100, created=0, reason="test"):
    return Ban(subject, Micros(created), Micros(until), reason)


def test_finds_by_address_network_endpoint_and_peer_id():
    bans = BanList()
    for subject in ("1.2.3.4/32", "5.6.0.0/16", "2001:db8::/32", "127.0.0.1:7", peer_subject(PEER_ID)):
        bans.add(ban(subject))
    covered = [("1.2.3.4", 1), ("::ffff:1.2.3.4", 1), ("5.6.7.8", 9), ("2001:db8::5", 1), ("127.0.0.1", 7)]
    free = [("1.2.3.5", 1), ("5.7.0.1", 1), ("2001:db9::5", 1), ("127.0.0.1", 8), ("name.example", 1)]
    assert all(bans.find(NodeAddress(*each), Micros(5)) for each in covered)
    assert not any(bans.find(NodeAddress(*each), Micros(5)) for each in free)
    assert bans.find(NodeAddress("9.9.9.9", 1, PEER_ID), Micros(5))
    assert bans.find(NodeAddress("1.2.3.4", 1), Micros(100)) is None


def test_a_longer_ban_wins_and_ended_ones_vanish():
    bans = BanList()
    bans.add(ban("1.2.3.4/32", until=100, reason="long"))
    bans.add(ban("1.2.3.4/32", until=50, reason="short"))
    assert [each.reason for each in bans.active(Micros(60))] == ["long"]
    assert bans.active(Micros(100)) == ()
    assert not bans.remove("1.2.3.4/32")


def test_when_full_the_one_that_ends_first_gives_way():
    bans = BanList()
    for index in range(BANS_MAX):
        bans.add(ban(f"10.{index >> 8 & 255}.{index & 255}.0/24", until=1_000 + index))
    bans.add(ban("9.9.9.9/32", until=10**6))
    assert len(bans.active(Micros(0))) == BANS_MAX
    assert bans.find(NodeAddress("10.0.0.1", 1), Micros(0)) is None
    assert bans.find(NodeAddress("10.0.1.1", 1), Micros(0)) is not None


def test_survives_a_restart():
    bans = BanList()
    for subject in ("1.2.3.4/32", "5.6.0.0/16", peer_subject(PEER_ID)):
        bans.add(ban(subject, reason='quote " and \n line'))
    again = BanList.from_bytes(bans.to_bytes())
    assert again.active(Micros(0)) == bans.active(Micros(0))
    assert again.find(NodeAddress("5.6.9.9", 1), Micros(0)) is not None
    again.clear()
    assert again.active(Micros(0)) == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"form": 2, "bans": []}',
        b'{"form": 1, "bans": [{}]}',
        b'{"form": 1, "bans": [5]}',
        b"\xff",
        b'{"form": 1, "bans": 7}',
        b'{"form": 1, "bans": [{"subject": "x", "created": "?", "until": 1, "reason": ""}]}',
    ],
)
def test_refuses_a_damaged_list(raw):
    with pytest.raises(DecodeError):
        BanList.from_bytes(raw)
