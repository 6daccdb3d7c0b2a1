"""A header-only node where members change settings: what blocks carry it cannot see, what records say it goes by."""

from tests.unit.configuration.bank import configuration
from tests.unit.header_only.watcher import Watcher
from tests.unit.netsync.banks_chain import FOUNDERS, LATER

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.events import DeadlineReached
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.notices import ConfigurationChanged, PeerPenalised
from minicoin.core.primitives.address import Services
from minicoin.core.records.kinds import CONFIGURATION
from minicoin.core.records.messages import RecordDelta, RecordDigest, RecordValues
from minicoin.core.records.record import statement_record
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import GetHeaders
from minicoin.core.wire.messages_extension import Offer
from minicoin.testing.certified_chain import CertifiedMaker, signer_network

NETWORK = signer_network(FOUNDERS, min_interval_s=30)


def chain_of(length: int) -> HeaderTree:
    """From block 5 on two seconds apart, as its members set it."""
    made = CertifiedMaker(NETWORK, FOUNDERS)
    made.grow(2)
    made.extend(settings=made.change_settings(("min_interval_s", "2")))
    made.grow(length - 3)
    assert made.blocks[4].header.time - made.blocks[3].header.time == 2
    tree = HeaderTree(NETWORK)
    for one in made.blocks:
        tree.certify(one.certificate, one.next_members)
        tree.add(one.header, Micros(0))
    tree.set_tip(tree.best_header.hash)
    return tree


def greeted() -> tuple[Watcher, list]:
    watcher = Watcher(LATER, NETWORK)
    watcher.connect(1)
    names = ("sheaders", *(message.command for message in (RecordValues, RecordDigest, RecordDelta)))
    return watcher, watcher.say(1, Offer(tuple((name, 1) for name in names)))


def faults(watcher: Watcher) -> list[str]:
    return [notice.reason for notice in watcher.told if isinstance(notice, PeerPenalised)]


def test_headers_closer_than_the_network_was_founded_with_are_followed() -> None:
    watcher, asked = greeted()
    tree, peer = chain_of(12), SyncPeer(ConnId(1), True, Services.NETWORK)
    while requests := [message for message in asked if isinstance(message, GetHeaders)]:
        asked = watcher.say(1, answer_getheaders(tree, peer, requests[0]))
    assert faults(watcher) == []
    assert watcher.tip == tree.best_header.hash


def test_a_record_that_a_quorum_signed_holds() -> None:
    watcher, _ = greeted()
    record = configuration(1, 1, inbound_slots=20, alert="hello")
    for key in FOUNDERS[:4]:
        record = record.signed_by(key, NETWORK.network_id)
    watcher.say(1, RecordValues((statement_record(CONFIGURATION, 1, record.body(), record.signatures),)))
    watcher.handle(DeadlineReached())
    (changed,) = [notice for notice in watcher.told if isinstance(notice, ConfigurationChanged)]
    assert (changed.version, changed.settings, changed.unknown) == (1, record.settings, ())
    assert faults(watcher) == []
