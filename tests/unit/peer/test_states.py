"""The handshake's table: every pair of state and message, and that no other pair has a place."""

import pytest
from tests.unit.wire.samples import SAMPLES

from minicoin.core.faults import PeerFault
from minicoin.core.peer.states import HANDSHAKE_ONLY, NEXT, SessionState, next_state
from minicoin.core.wire.messages import SendAddrV2, Verack, Version, WtxidRelay

MESSAGES = SAMPLES
OTHERS = [kind for kind in MESSAGES if kind not in HANDSHAKE_ONLY]


def test_the_samples_cover_the_handshake_and_more():
    assert set(HANDSHAKE_ONLY) <= set(MESSAGES)
    assert len(OTHERS) > 20


@pytest.mark.parametrize(("state", "kind"), NEXT, ids=str)
def test_every_pair_of_the_table(state, kind):
    assert next_state(state, MESSAGES[kind]) is NEXT[state, kind]


@pytest.mark.parametrize("kind", [kind for kind in MESSAGES if kind is not Version], ids=lambda kind: kind.__name__)
def test_nothing_comes_before_version(kind):
    with pytest.raises(PeerFault, match=f"{kind.__name__.lower()} before version"):
        next_state(SessionState.AWAIT_VERSION, MESSAGES[kind])


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_what_is_not_of_the_handshake_changes_no_state_behind_version(kind):
    for state in (SessionState.AWAIT_VERACK, SessionState.READY):
        assert next_state(state, MESSAGES[kind]) is state


@pytest.mark.parametrize("state", [SessionState.AWAIT_VERACK, SessionState.READY])
def test_a_second_version_is_a_small_fault(state):
    with pytest.raises(PeerFault, match="duplicate version") as caught:
        next_state(state, MESSAGES[Version])
    assert caught.value.score == 1


@pytest.mark.parametrize("kind", [Verack, WtxidRelay, SendAddrV2], ids=lambda kind: kind.__name__)
def test_the_handshake_is_over_once_ready(kind):
    with pytest.raises(PeerFault, match=f"{kind.__name__.lower()} after the handshake"):
        next_state(SessionState.READY, MESSAGES[kind])
