"""What may be asked about the members."""

import pytest
from tests.unit.node.bench import Bench

from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.policy.node import NodePolicy
from minicoin.core.queries.node import NodeQueries
from minicoin.testing.certified_chain import public, signer_network, signing_keys

KEYS = signing_keys(4)


def test_a_network_of_miners_has_none() -> None:
    bench = Bench()
    assert NodeQueries(bench.node.view, bench.now).consensus.view() is None


def test_who_looks_on_is_told_who_signs() -> None:
    bench = Bench(network=signer_network(KEYS))
    view = NodeQueries(bench.node.view, bench.now).consensus.view()
    assert view is not None
    assert (view.height, view.members.keys, view.status) == (1, tuple(map(public, KEYS)), None)


def test_a_member_alone_warns_that_there_is_no_quorum() -> None:
    record = SignState(public(KEYS[0])).encode()
    policy = NodePolicy(peer_id=b"\0\x24own", signing_keys=(public(KEYS[0]),))
    bench = Bench(policy, network=signer_network(KEYS), documents={SIGN_STATE_KEY: record})
    queries = NodeQueries(bench.node.view, bench.now)
    assert queries.consensus.view().status is not None
    assert any("no quorum: 0 of 4" in warning for warning in queries.warnings())


@pytest.mark.parametrize(
    ("clocks", "told"),
    [
        ((600, 601, 0), "600 s behind that of 2 of 3 peers"),
        ((-598, -601, -600), "600 s ahead of that of 3 of 3 peers"),
        ((600, 0, 0, 0), ""),
        ((600, -600, 5), ""),
        ((10, -10), ""),
        ((), ""),
    ],
)
def test_a_clock_with_which_a_member_would_vote_for_nothing_is_told(clocks: tuple[int, ...], told: str) -> None:
    bench = Bench(network=signer_network(KEYS))
    for conn, clock_s in enumerate(clocks, 1):
        bench.connect(conn, clock_s=clock_s)
    warnings = NodeQueries(bench.node.view, bench.now).warnings()
    assert [told in warning for warning in warnings] == ([True] if told else [])


def test_a_network_of_miners_bears_hours() -> None:
    bench = Bench()
    bench.connect(1, clock_s=3_600)
    assert NodeQueries(bench.node.view, bench.now).warnings() == ()
