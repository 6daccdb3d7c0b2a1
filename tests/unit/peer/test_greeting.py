"""What one side says in a handshake, all at once: exactly what a session says in its turn."""

from dataclasses import replace

import pytest
from tests.unit.node.test_overlay_seam import Echo

from minicoin.core.peer.greeting import PROTOCOL_VERSION, claims_of, greeting, version_of
from minicoin.core.peer.session import Session, SessionPolicy
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import Message, SendHeaders, Verack
from minicoin.core.wire.messages_extension import NO_EXTENSIONS, Extensions

NOW = Micros(1_700_000_000 * SECOND_US)
REMOTE = NodeAddress("10.0.0.9", 8333)
SERVICES = Services.NETWORK | Services.WITNESS
SPEAKING = make_extensions((Echo,))


def session(extensions: Extensions, *, inbound: bool) -> Session:
    policy = SessionPolicy(b"mini", SERVICES, "/minicoin/", extensions=extensions)
    return Session(ConnId(1), REMOTE, policy, Rng(b"greeting"), inbound=inbound, now=NOW)


def said_by(one: Session) -> list[Message]:
    """All that it says to a peer that greets it at once."""
    theirs = greeting(version_of(SERVICES, "/other/", REMOTE, NOW, height=3, relays=True), NO_EXTENSIONS)
    said = one.open(7, NOW)
    for message in theirs[: theirs.index(Verack()) + 1]:
        said += one.on_message(message, 7, NOW)
    assert one.is_ready
    return [*said, *one.announcements()]


@pytest.mark.parametrize("inbound", [False, True])
@pytest.mark.parametrize("extensions", [NO_EXTENSIONS, SPEAKING], ids=["plain", "speaking"])
def test_it_is_what_a_session_says(extensions: Extensions, inbound: bool) -> None:
    one = session(extensions, inbound=inbound)
    said = said_by(one)
    # Who accepts has heard what the other offers before it says its own version.
    theirs = SERVICES if inbound else Services.NONE
    version = version_of(
        SERVICES, "/minicoin/", REMOTE, NOW, remote_services=theirs, nonce=one.nonce, height=7, relays=True
    )
    assert tuple(said) == greeting(version, extensions)
    assert (SendHeaders() in said, version.version) == (True, PROTOCOL_VERSION)


def test_a_name_has_no_place_in_a_version() -> None:
    version = version_of(SERVICES, "/a/", NodeAddress("node.example", 5), NOW, height=0, relays=False)
    assert (version.addr_recv.host, version.addr_recv.port, version.nonce, version.relay) == ("0.0.0.0", 5, 0, False)


def test_what_peers_claim_alike_is_kept_once() -> None:
    one, other = (
        version_of(SERVICES, "/alike/", NodeAddress("10.0.0.9", port), NOW, nonce=port, height=3, relays=True)
        for port in (1, 2)
    )
    claims = claims_of(one)
    assert claims is claims_of(other) and claims is not claims_of(replace(other, start_height=4))
    assert (claims.user_agent, claims.start_height, claims.relay) == ("/alike/", 3, True)
