"""One session against scripted messages: who speaks first, refusals with reasons, keep-alive, negotiated features."""

from dataclasses import replace

import pytest

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import PeerFault
from minicoin.core.peer.session import OTHER_COMMANDS, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, Session, SessionPolicy
from minicoin.core.peer.states import SessionState
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, MONEY_MAX_SAT, SECOND_US, ConnId, Micros
from minicoin.core.wire.frame import Dropped, encode_frame
from minicoin.core.wire.messages import (
    FeeFilter,
    GetAddr,
    NetAddress,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)

MAGIC = b"test"
T0 = Micros(1_700_000_000 * SECOND_US)
POLICY = SessionPolicy(MAGIC, Services.NETWORK | Services.WITNESS, "/us:1/")
REMOTE = NodeAddress("8.1.2.3", 8333)


def session(*, inbound=True, policy=POLICY, remote=REMOTE):
    return Session(ConnId(1), remote, policy, Rng(b"session"), inbound=inbound, now=T0)


def version(number=PROTOCOL_VERSION, **changes):
    theirs = Version(number, 9, T0 // SECOND_US, NetAddress(), NetAddress(), 99, "/them:1/", 12, True)
    return replace(theirs, **changes)


def ready(**options):
    made = session(**options)
    made.open(0, T0)
    made.on_message(version(), 0, T0)
    made.on_message(Verack(), 0, T0)
    assert made.is_ready
    return made


def test_the_dialler_speaks_first_and_the_other_waits():
    assert [type(message) for message in session(inbound=False).open(5, T0)] == [Version]
    assert session(inbound=True).open(5, T0) == []


def test_our_version_says_who_we_are():
    (ours,) = session(inbound=False).open(5, T0)
    assert (ours.version, ours.services, ours.timestamp) == (70016, 9, 1_700_000_000)
    assert (ours.user_agent, ours.start_height, ours.relay) == ("/us:1/", 5, True)
    assert (ours.addr_recv.host, ours.addr_recv.port) == ("8.1.2.3", 8333)


def test_a_name_has_no_place_in_a_version_message():
    (ours,) = session(inbound=False, remote=NodeAddress("node.example", 8333)).open(5, T0)
    assert ours.addr_recv.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("inbound", "number", "expected"),
    [
        (True, 70016, [Version, WtxidRelay, SendAddrV2, Verack]),
        (False, 70016, [WtxidRelay, SendAddrV2, Verack]),
        (True, 70015, [Version, Verack]),
        (False, PROTOCOL_VERSION_MIN, [Verack]),
    ],
)
def test_the_answer_to_version_keeps_the_order_of_bip339_and_bip155(inbound, number, expected):
    made = session(inbound=inbound)
    made.open(0, T0)
    assert [type(message) for message in made.on_message(version(number), 0, T0)] == expected
    assert made.state is SessionState.AWAIT_VERACK


def test_two_sessions_shake_hands():
    caller, callee = session(inbound=False), session()
    waiting = [(callee, caller, message) for message in caller.open(1, T0)]
    while waiting:
        to, sender, message = waiting.pop(0)
        waiting += [(sender, to, answer) for answer in to.on_message(message, 1, T0)]
    for made in (caller, callee):
        assert made.is_ready
        assert made.wtxid_relay and made.sends_addrv2
        assert made.services == POLICY.services


def test_features_offered_before_verack_count():
    made = session()
    made.on_message(version(), 0, T0)
    assert not made.wtxid_relay and not made.sends_addrv2
    made.on_message(WtxidRelay(), 0, T0)
    made.on_message(SendAddrV2(), 0, T0)
    assert made.wtxid_relay and made.sends_addrv2


def test_wtxidrelay_of_a_peer_that_never_heard_ours_does_not_count():
    # BIP339: both sides must have sent it, and an older peer was not sent ours.
    made = session()
    made.on_message(version(70015), 0, T0)
    made.on_message(WtxidRelay(), 0, T0)
    assert not made.wtxid_relay


def test_each_session_says_a_nonce_of_its_own():
    rng = Rng(b"nonces")
    made = [Session(ConnId(number), REMOTE, POLICY, rng, inbound=False, now=T0) for number in range(20)]
    said = {message.nonce for one in made for message in one.open(0, T0)}
    assert said == {one.nonce for one in made} and len(said) == 20


def test_a_version_too_old_is_refused_with_both_numbers():
    with pytest.raises(PeerFault, match="31799 is older than 31800") as caught:
        session().on_message(version(PROTOCOL_VERSION_MIN - 1), 0, T0)
    assert caught.value.score == 0


def test_a_second_version_changes_nothing():
    made = session()
    made.on_message(version(), 0, T0)
    for _ in range(2):
        assert made.on_message(version(start_height=100), 0, T0) == []
        assert made.claims.start_height == 12
        made.on_message(Verack(), 0, T0)


def test_nothing_is_answered_before_the_handshake_is_over():
    made = session()
    for message in (Verack(), Ping(1), GetAddr(), WtxidRelay(), FeeFilter(5)):
        assert made.on_message(message, 0, T0) == []
    assert made.state is SessionState.AWAIT_VERSION and not made.wtxid_relay
    made.on_message(version(), 0, T0)
    assert made.on_message(Ping(1), 0, T0) == []
    made.on_message(FeeFilter(5), 0, T0)
    assert made.feefilter_sat_per_kvb == 0
    made.on_message(Verack(), 0, T0)
    assert made.on_message(Ping(1), 0, T0) == [Pong(1)]


@pytest.mark.parametrize("late", [WtxidRelay(), SendAddrV2()], ids=str)
def test_features_negotiated_after_verack_end_the_session_without_blame(late):
    with pytest.raises(PeerFault, match="after verack") as caught:
        ready().on_message(late, 0, T0)
    assert caught.value.score == 0


def test_another_network_is_refused_with_a_reason():
    made = session()
    made.feed(encode_frame(b"main", version()), T0)
    with pytest.raises(PeerFault, match=r"(?i)network|magic"):
        made.next_message()


def test_bytes_become_messages_whatever_their_pieces():
    made = session()
    stream = encode_frame(MAGIC, version()) + encode_frame(MAGIC, Verack()) + encode_frame(MAGIC, Ping(3))
    found = []
    for at in range(0, len(stream), 5):
        made.feed(stream[at : at + 5], Micros(T0 + at))
        while (message := made.next_message()) is not None:
            found.append(message)
    assert found == [version(), Verack(), Ping(3)]
    assert made.last_receive_at > T0


def test_pings_are_answered():
    assert ready().on_message(Ping(42), 0, T0) == [Pong(42)]


def test_a_ping_goes_out_after_silence_and_its_pong_is_timed():
    made = ready()
    assert made.deadline == T0 + 2 * MINUTE_US
    assert made.on_deadline(Micros(T0 + 2 * MINUTE_US - 1)) == []
    now = Micros(T0 + 2 * MINUTE_US)
    (ping,) = made.on_deadline(now)
    assert made.deadline == now + 20 * MINUTE_US
    assert made.on_message(Pong(ping.nonce ^ 1), 0, Micros(now + 5)) == []
    assert made.ping_us == -1
    made.on_message(Pong(ping.nonce), 0, Micros(now + 3_000))
    assert made.ping_us == made.ping_min_us == 3_000
    assert made.deadline == now + 3_000 + 2 * MINUTE_US
    assert made.on_message(Pong(ping.nonce), 0, Micros(now + 9_000)) == []
    assert made.ping_us == 3_000


def test_the_best_ping_is_kept():
    made = ready()
    for took in (500, 200, 900):
        (ping,) = made.ping(T0)
        nonce = ping.nonce
        made.on_message(Pong(nonce), 0, Micros(T0 + took))
    assert (made.ping_us, made.ping_min_us) == (900, 200)


def test_no_pong_ends_the_session():
    made = ready()
    made.on_deadline(made.deadline)
    end = made.deadline
    assert made.on_deadline(Micros(end - 1)) == []
    with pytest.raises(PeerFault, match="ping timeout") as caught:
        made.on_deadline(end)
    assert caught.value.score == 0


@pytest.mark.parametrize("heard", [0, 1])
def test_half_a_handshake_times_out(heard):
    made = session()
    if heard:
        made.on_message(version(), 0, T0)
    end = made.deadline
    assert end == T0 + MINUTE_US
    assert made.on_deadline(Micros(end - 1)) == []
    with pytest.raises(PeerFault, match="no handshake within 60 s") as caught:
        made.on_deadline(end)
    assert caught.value.score == 0


@pytest.mark.parametrize(("number", "told"), [(70016, [SendHeaders()]), (70012, [SendHeaders()]), (70011, [])])
def test_a_fresh_session_is_told_what_its_version_knows_and_never_of_compact_blocks(number, told):
    made = session()
    made.on_message(version(number), 0, T0)
    assert made.announcements() == told


@pytest.mark.parametrize("feerate", [-1, MONEY_MAX_SAT + 1])
def test_a_fee_filter_that_is_no_amount_is_ignored(feerate):
    made = ready()
    made.on_message(FeeFilter(7), 0, T0)
    made.on_message(FeeFilter(feerate), 0, T0)
    assert made.feefilter_sat_per_kvb == 7


def test_a_peer_older_than_pongs_is_neither_pinged_nor_answered():
    made = session()
    made.on_message(version(60_000), 0, T0)
    made.on_message(Verack(), 0, T0)
    assert made.on_message(Ping(0), 0, T0) == []
    assert made.on_deadline(made.deadline) == []
    assert not made.is_ping_pending


def test_a_pong_without_its_nonce_ends_the_wait_and_tells_no_time():
    broken = bytearray(encode_frame(MAGIC, Pong(5))[:-3])
    broken[16] = 5
    broken[20:24] = sha256d(bytes(broken[24:]))[:4]
    for answer in (encode_frame(MAGIC, Pong(0)), bytes(broken)):
        made = ready()
        made.ping(T0)
        made.feed(answer, Micros(T0 + 5))
        found = made.next_message()
        if not isinstance(found, Dropped):
            made.on_message(found, 0, Micros(T0 + 5))
        assert not made.is_ping_pending
        assert made.ping_us == -1


def test_a_dropped_message_is_counted_and_the_next_one_comes():
    made = ready()
    broken = bytearray(encode_frame(MAGIC, Ping(1)))
    broken[-1] ^= 1
    made.feed(bytes(broken) + encode_frame(MAGIC, Ping(2)), T0)
    assert made.next_message() == Dropped("ping", "wrong checksum of a ping message")
    assert made.next_message() == Ping(2)
    assert made.dropped_count == 1


def test_preferences_and_clock_are_noted():
    made = session()
    made.on_message(version(timestamp=T0 // SECOND_US + 90), 0, T0)
    made.on_message(Verack(), 0, T0)
    made.on_message(SendHeaders(), 0, T0)
    made.on_message(FeeFilter(5_000), 0, T0)
    seen = made.snapshot()
    assert (seen.time_offset_s, seen.prefers_headers, seen.feefilter_sat_per_kvb) == (90, True, 5_000)
    assert (seen.version, seen.user_agent, seen.start_height, seen.state) == (70016, "/them:1/", 12, SessionState.READY)


def test_a_snapshot_before_version_knows_nothing():
    seen = session().snapshot()
    assert (seen.version, seen.user_agent, seen.start_height, seen.ping_us) == (0, "", -1, -1)


def test_received_bytes_are_counted_by_command_and_strangers_choose_no_name():
    made = session()
    for message in (version(), Verack(), Ping(1), Ping(2), Unknown("surprise", b"12345"), Unknown("more", b"")):
        made.feed(encode_frame(MAGIC, message), T0)
        made.next_message()
    counted = dict(made.snapshot().received_by_command)
    assert {name: count for name, count in counted.items() if name != "version"} == {
        "verack": 24,
        "ping": 64,
        OTHER_COMMANDS: 24 + 5 + 24,
    }
    assert counted["version"] == len(encode_frame(MAGIC, version()))
