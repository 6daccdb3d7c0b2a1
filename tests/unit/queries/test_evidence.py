"""What may be asked about evidence against members."""

from tests.unit.evidence.bank import NETWORK, two_certificates, two_votes
from tests.unit.node.bench import Bench
from tests.unit.signers.banks import KEYS, public

from minicoin.core.commands import AcknowledgeEvidence
from minicoin.core.evidence.state import EVIDENCE_KEY, EvidenceState
from minicoin.core.queries.node import NodeQueries


def _bench() -> Bench:
    state = EvidenceState()
    assert state.add(two_votes(1)) and state.add(two_certificates())
    return Bench(network=NETWORK, documents={EVIDENCE_KEY: state.to_bytes(NETWORK.network_id)})


def test_a_network_of_miners_has_none() -> None:
    bench = Bench()
    assert NodeQueries(bench.node.view, bench.now).evidence.listing() is None


def test_it_is_shown_with_the_name_of_the_member_and_warned_of_until_it_is_seen() -> None:
    bench = _bench()
    queries = NodeQueries(bench.node.view, bench.now)
    listing = queries.evidence.listing()
    assert listing is not None
    names = dict(zip(NETWORK.proof.members, NETWORK.proof.names, strict=True))
    assert [(one.name, one.is_seen) for one in listing] == [(names[public(KEYS[1])], False), ("", False)]
    assert any("minicoin members evidence" in warning for warning in queries.warnings())
    bench.command(AcknowledgeEvidence(2))
    bench.work()
    assert all(one.is_seen for one in queries.evidence.listing() or ())
    # That two blocks are final at a height is told for as long as it is so.
    assert [warning for warning in queries.warnings() if "evidence" in warning] == []
    assert any("two blocks are certified at height 1" in warning for warning in queries.warnings())
