"""The handshake's table: every pair of state and message, and that no other pair has a place."""

import pytest
from tests.unit.wire.samples import SAMPLES

from minicoin.core.faults import PeerFault
from minicoin.core.peer.states import HANDSHAKE_ONLY, NEGOTIATED_EARLY, NEXT, SessionState, is_heard, next_state
from minicoin.core.wire.messages import SendCmpct, SendHeaders, Verack, Version

MESSAGES = SAMPLES
OTHERS = [kind for kind in MESSAGES if kind not in HANDSHAKE_ONLY]


def test_the_samples_cover_the_handshake_and_more():
    assert set(HANDSHAKE_ONLY) <= set(MESSAGES)
    assert len(OTHERS) > 20


@pytest.mark.parametrize(("state", "kind"), NEXT, ids=str)
def test_every_pair_of_the_table(state, kind):
    assert next_state(state, MESSAGES[kind]) is NEXT[state, kind]


@pytest.mark.parametrize("kind", [kind for kind in MESSAGES if kind is not Version], ids=lambda kind: kind.__name__)
def test_what_comes_before_version_is_not_heard(kind):
    assert next_state(SessionState.AWAIT_VERSION, MESSAGES[kind]) is SessionState.AWAIT_VERSION
    assert not is_heard(SessionState.AWAIT_VERSION, MESSAGES[kind])


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_what_is_not_of_the_handshake_changes_no_state_and_is_heard_behind_it_only(kind):
    for state in (SessionState.AWAIT_VERACK, SessionState.READY):
        assert next_state(state, MESSAGES[kind]) is state
    assert is_heard(SessionState.READY, MESSAGES[kind])
    assert is_heard(SessionState.AWAIT_VERACK, MESSAGES[kind]) == (kind in (SendCmpct, SendHeaders))


@pytest.mark.parametrize("kind", [Version, Verack], ids=lambda kind: kind.__name__)
def test_what_is_said_twice_is_not_heard_again(kind):
    assert next_state(SessionState.READY, MESSAGES[kind]) is SessionState.READY
    assert not is_heard(SessionState.READY, MESSAGES[kind])
    assert not is_heard(SessionState.AWAIT_VERACK, MESSAGES[Version])


@pytest.mark.parametrize("kind", NEGOTIATED_EARLY, ids=lambda kind: kind.__name__)
def test_what_is_negotiated_too_late_ends_the_session_without_blame(kind):
    with pytest.raises(PeerFault, match=f"{kind.__name__.lower()} after verack") as caught:
        next_state(SessionState.READY, MESSAGES[kind])
    assert caught.value.score == 0
