"""A signer is put together from what an earlier run wrote down."""

from dataclasses import replace

import pytest

from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.node.assemble import DocumentDamaged
from minicoin.core.policy.node import NodePolicy
from minicoin.testing.certified_chain import public, signer_network, signing_keys

from .bench import NETWORK, Bench

KEYS = signing_keys(4)
BANKS = signer_network(KEYS)
POLICY = NodePolicy(peer_id=b"\0\x24own", signing_keys=(public(KEYS[0]),))
FRESH = {SIGN_STATE_KEY: SignState(public(KEYS[0])).encode()}


def test_a_member_has_the_part_and_others_have_not() -> None:
    bench = Bench(POLICY, network=BANKS, documents=FRESH)
    status = bench.node.view.consensus()
    assert status is not None
    assert (status.height, len(status.members)) == (1, 4)
    assert "asks the other members" in status.abstains_because
    assert Bench(replace(POLICY, signing_keys=()), network=BANKS).node.view.consensus() is None


def test_a_key_without_its_record_is_told_of() -> None:
    status = Bench(POLICY, network=BANKS).node.view.consensus()
    assert status is not None
    assert "lost the record" in status.abstains_because


def test_an_operator_may_answer_for_a_key_without_its_record() -> None:
    status = Bench(replace(POLICY, sign_from=1), network=BANKS).node.view.consensus()
    assert status is not None
    assert "asks the other members" in status.abstains_because


def test_nobody_answers_for_a_key_whose_record_is_there() -> None:
    with pytest.raises(MisuseError, match="start without --sign-from"):
        Bench(replace(POLICY, sign_from=1), network=BANKS, documents=FRESH)


def test_nobody_signs_where_there_are_miners() -> None:
    with pytest.raises(MisuseError, match="without a signing key"):
        Bench(POLICY, network=NETWORK)


def test_the_record_of_another_key_is_refused() -> None:
    other = {SIGN_STATE_KEY: SignState(public(KEYS[1])).encode()}
    with pytest.raises(MisuseError, match="belongs to its data directory"):
        Bench(POLICY, network=BANKS, documents=other)


@pytest.mark.parametrize("key", [SIGN_STATE_KEY, BLOCKS_KEY])
def test_a_damaged_record_is_said_to_be(key: str) -> None:
    with pytest.raises(DocumentDamaged) as caught:
        Bench(POLICY, network=BANKS, documents={**FRESH, key: b"\xff"})
    assert caught.value.key == key
