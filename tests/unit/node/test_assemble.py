"""The one way to a node: what an earlier run left is taken up, damage is named, and equal seeds make equal nodes."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.signers.banks import DRAFT, FIRST

from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.admission.state import ADMISSION_KEY, AdmissionState
from minicoin.core.commands import CreateWallet, Generate, SetBan
from minicoin.core.configuration.form import CONFIGURATION_KEY
from minicoin.core.connmgr.connections import BANS_KEY
from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEYS
from minicoin.core.directed.letterbox import LETTERS_KEY
from minicoin.core.events import AddressesFound, AddressSource
from minicoin.core.evidence.state import EVIDENCE_KEY
from minicoin.core.faults import MisuseError
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.mempool.priorities import PRIORITIES_KEY
from minicoin.core.node.assemble import (
    DOCUMENT_KEYS,
    DocumentDamaged,
    NodeState,
    assemble_node,
)
from minicoin.core.overlay.contract import OVERLAY_KEY
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.policy.anchor import Anchor
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.records.document import RECORDS_KEY
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.testing.certified_chain import signer_network, signing_keys

NOW = Micros(NETWORK.genesis.header.time * SECOND_US)


def made(policy=None, state=None, seed=b"seed", network=NETWORK):
    return assemble_node(network, policy or NodePolicy(), state or NodeState(), Rng(seed), Rng(b"keys").bytes, NOW)


def damaged(*keys):
    return NodeState(documents=dict.fromkeys(keys, b"nonsense"))


@pytest.mark.parametrize("key", [BOOK_KEY, BANS_KEY, PRIORITIES_KEY, WALLET_KEY])
def test_a_document_that_cannot_be_read_is_named(key):
    with pytest.raises(DocumentDamaged) as damage:
        made(state=damaged(key))
    assert damage.value.key == key


def test_a_mempool_that_cannot_be_read_keeps_no_node_from_starting():
    of_others = {BOOK_KEY, BANS_KEY, PRIORITIES_KEY, WALLET_KEY, OVERLAY_KEY, LETTERS_KEY, RECORDS_KEY, ADMISSION_KEY}
    of_signers = {*SIGN_STATE_KEYS, BLOCKS_KEY, EVIDENCE_KEY, CONFIGURATION_KEY}
    assert set(DOCUMENT_KEYS) - of_others - of_signers == {MEMPOOL_KEY}
    assert made(state=damaged(MEMPOOL_KEY))


BANKS = signer_network(signing_keys(2), admission=FIRST.encode())


@pytest.mark.parametrize(
    ("anchored", "kept", "version"), [(None, None, 0), (DRAFT, None, 1), (DRAFT, 5, 5), (None, 5, 5), (DRAFT, 1, 1)]
)
def test_the_highest_admission_holds_of_network_file_anchor_and_disk(anchored, kept, version):
    anchor = Anchor(1, NETWORK.genesis.hash, BANKS.proof.founding_list, anchored)
    state = AdmissionState(FIRST)
    if kept is not None:
        state.take(replace(DRAFT, version=kept))
    documents = {ADMISSION_KEY: state.to_bytes(BANKS.network_id)}
    node = made(NodePolicy(anchor=anchor), NodeState(documents=documents), network=BANKS)
    assert node.view.admission.state.current.version == version


def test_a_damaged_admission_is_named():
    with pytest.raises(DocumentDamaged) as damage:
        made(state=damaged(ADMISSION_KEY), network=BANKS)
    assert damage.value.key == ADMISSION_KEY


def test_what_the_operator_switched_off_is_not_even_read():
    policy = NodePolicy(uses_wallet=False, persists_mempool=False)
    node = made(policy, damaged(WALLET_KEY, PRIORITIES_KEY))
    assert node.view.wallet is None


def test_what_an_earlier_run_left_is_there_again():
    bench = Bench()
    far = NodeAddress("10.9.0.1", 8333)
    bench.ask(Generate(3, NOBODY))
    bench.ask(SetBan("10.2.0.0/16", bench.now // SECOND_US + 600))
    bench.ask(CreateWallet(bytes(16)))
    bench.handle(AddressesFound(AddressSource.DNS, "x", (TimedAddress(far, 9, bench.now // SECOND_US),)))
    bench.wait(20 * 60 * SECOND_US)
    again = bench.crash()
    after, before = again.node.view, bench.node.view
    assert after.tree.tip.hash == before.tree.tip.hash and after.tree.tip.height == 3
    assert after.connections.bans.listing() == before.connections.bans.listing() != ()
    assert after.book.find(far) is not None
    assert again.node.view.wallet is not None


def test_blocks_of_the_store_that_no_header_names_are_left_out():
    bench = Bench()
    bench.ask(Generate(2, NOBODY))
    headers = [header for header in bench.engine.headers() if header.hash != bench.engine.tip]
    node = made(state=NodeState(headers, tuple(bench.engine.stored()), headers[-1].hash))
    assert node.view.tree.best_header.hash == headers[-1].hash


def test_equal_seeds_make_equal_nodes_and_others_other_ones():
    def forms(seed):
        return tuple(made(seed=seed).forms(NOW, is_brief=False))

    assert forms(b"one") == forms(b"one")
    assert forms(b"one") != forms(b"two")


def test_a_node_that_keeps_no_blocks_is_made_elsewhere():
    with pytest.raises(MisuseError, match="keeps no blocks"):
        made(NodePolicy(role=Role.HEADERS))
