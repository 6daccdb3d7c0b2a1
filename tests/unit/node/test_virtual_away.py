"""Signers that were away for long, and banks that are sent away: how soon they are back, or gone, in virtual time."""

import pytest
from tests.soak import IS_SOAK
from tests.unit.worlds import LATENCY_US, Notices

from minicoin.core.commands import ApproveAdmission, ProposeAdmission
from minicoin.core.events import AddressesFound, RecordsHeard
from minicoin.core.limits import DIAL_TIMEOUT_US, SIGNERS_RETRY_MAX_US
from minicoin.core.notices import OwnAdmissionLost, PeerClosed
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.records.kinds import ADMISSION
from minicoin.core.records.record import statement_record
from minicoin.core.signers.admission import admission_record
from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US, seconds
from minicoin.world.host import Host

from .consortium import Consortium, peers_of

RETRY_US = SIGNERS_RETRY_MAX_US * 5 // 4 + DIAL_TIMEOUT_US
"""Between two tries of one address that whoever is back hears of: the longest wait, and a dial that nobody answered."""
FIVE_MINUTES_US = 5 * MINUTE_US
"""By then the wait between two tries is as long as it gets."""
AWAY_US = HOUR_US if IS_SOAK else FIVE_MINUTES_US
ROUND_US = 5 * SECOND_US
"""More than a round takes where all its time-outs run off, among the first few of a height."""
CUT_OFF_US = 2 * SECOND_US


@pytest.mark.parametrize(
    ("away_us", "is_down", "has_admission"),
    [(AWAY_US, False, True), (FIVE_MINUTES_US, False, False), (FIVE_MINUTES_US, True, False)],
)
def test_two_of_five_are_away_for_long_and_the_chain_goes_on_soon_after_their_return(
    away_us: int, is_down: bool, has_admission: bool
) -> None:
    banks = Consortium(5, has_registry=True, has_admission=has_admission)
    assert banks.world.wait(10 * SECOND_US, lambda: all(len(peers_of(bank)) == 4 for bank in banks.banks))
    away, here = banks.banks[:2], banks.banks[2:]
    barrier = None if is_down else banks.cut_off(away)
    for bank in away if is_down else ():
        banks.kill(bank)
    banks.pay(here[0])
    height = here[0].height
    banks.world.run(banks.world.now + away_us)
    assert all(bank.height == height for bank in here)
    rounds = max(bank.node.view.consensus().round for bank in here)
    back_at = banks.world.now
    if barrier is not None:
        banks.world.connections.barriers.remove(barrier)
    for bank in away if is_down else ():
        banks.world.restart(bank)
        banks.list_all_to(bank)
    assert banks.world.wait(away_us, lambda: any(bank.height > height for bank in here))
    # Who is started again dials all at once: nobody's wait matters.
    assert banks.world.now - back_at <= 3 * ROUND_US + (0 if is_down else RETRY_US)
    tree = next(bank.node.view.tree for bank in here if bank.height > height)
    assert tree.signers.certificate(tree.at_height(height + 1).hash).round <= rounds + 3
    assert banks.world.wait(2 * RETRY_US, lambda: all(len(peers_of(bank)) == 4 for bank in banks.banks))
    assert banks.reach(height + 1)


def test_who_comes_back_dials_all_that_are_admitted_at_once() -> None:
    banks = Consortium(5, has_registry=True, has_admission=True)
    banks.world.run(banks.world.now + 10 * SECOND_US)
    bank = banks.banks[0]
    banks.world.restart(bank)
    banks.list_all_to(bank)
    # A round trip to connect, some for two handshakes: no wait of the network model's is among it.
    assert banks.world.wait(20 * LATENCY_US, lambda: len(peers_of(bank)) == 4)


def test_whoever_names_members_at_a_hundred_places_does_not_keep_them_apart() -> None:
    banks = Consortium(5, has_registry=True, has_admission=True)
    banks.world.run(banks.world.now + 10 * SECOND_US)
    away, here = banks.banks[:2], banks.banks[2:]
    barrier = banks.cut_off(away)
    now_s = seconds(banks.world.now)
    for bank in banks.banks:
        places = [
            TimedAddress(NodeAddress(f"11.0.{other.index}.{place}", 8333, other.address.peer_id), 9, now_s)
            for other in banks.banks
            for place in range(20)
            if other is not bank
        ]
        banks.world.tell(bank, AddressesFound(AddressSource.REGISTRY, "registry", tuple(places)))
    banks.world.run(banks.world.now + 2 * MINUTE_US)
    banks.pay(here[0])
    height = here[0].height
    banks.world.connections.barriers.remove(barrier)
    assert banks.world.wait(3 * ROUND_US + RETRY_US, lambda: any(bank.height > height for bank in here))


@pytest.mark.parametrize("is_from_registry", [True, False])
def test_an_expelled_bank_is_cut_off_within_two_seconds_and_told_why(is_from_registry: bool) -> None:
    banks = Consortium(5, has_registry=True, has_admission=True)
    banks.world.run(banks.world.now + 10 * SECOND_US)
    notices = Notices(banks.world)
    first, gone = banks.banks[0], banks.banks[4]
    name = banks.network.proof.names[4]
    if is_from_registry:
        current = first.node.view.admission.state.current
        record = admission_record(1, 1, current.hash, [row for row in current.rows if row.name != name])
        for key in banks.keys[:4]:
            record = record.signed_by(key, banks.network.network_id)
        value = statement_record(ADMISSION, 1, record.body(), record.signatures).encode()
        banks.world.tell(first, RecordsHeard("registry", (value,)))
    else:
        banks.world.ask(first, ProposeAdmission((), (name,)))
        for bank in banks.banks[1:4]:
            assert banks.world.wait(10 * SECOND_US, lambda bank=bank: bool(bank.node.view.admission.drafts()))
            banks.world.ask(bank, ApproveAdmission(1))
    assert banks.world.wait(10 * SECOND_US, lambda: any(_version(bank) == 1 for bank in banks.banks))
    began = banks.world.now
    assert banks.world.wait(10 * SECOND_US, lambda: not gone.links)
    assert banks.world.now - began <= CUT_OFF_US
    assert OwnAdmissionLost(1) in notices.of(gone)
    reasons = [notice.reason for notice in notices.of(gone) if isinstance(notice, PeerClosed)]
    assert any("does not admit this node" in reason for reason in reasons)
    # It is a member for as long as no block takes it out: four of five go on.
    banks.pay(first)
    assert banks.world.wait(10 * SECOND_US, lambda: all(bank.height == 2 for bank in banks.banks[:4]))
    banks.world.run(banks.world.now + 10 * SECOND_US)
    assert not gone.links and gone.height == 1


def _version(bank: Host) -> int:
    return bank.node.view.admission.state.current.version
