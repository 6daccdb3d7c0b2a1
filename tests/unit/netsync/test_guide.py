"""Up to its anchor a newcomer follows one peer at a time, and forgets what leads elsewhere."""

from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import (
    FOUNDERS,
    items,
    keys_at,
    listed,
)
from tests.unit.netsync.newcomer import Newcomer

from minicoin.core.faults import PeerFault
from minicoin.core.limits import HEADERS_TIMEOUT_US
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.policy.anchor import Anchor

TRUE, FALSE = items(200), items(150, shared=24)
ANCHOR = Anchor(100, TRUE[99].header.hash, listed(keys_at(101)))


def test_a_chain_that_contradicts_the_anchor_is_refused():
    others = replace(ANCHOR, block=FALSE[99].header.hash, members=listed(FOUNDERS))
    for wrong, reason in ((ANCHOR, "at height 100 it has block"), (others, "other members sign")):
        newcomer = Newcomer(BlockSync, anchor=wrong)
        with pytest.raises(PeerFault, match=reason) as fault:
            newcomer.connect(1, FALSE)
        assert fault.value.score == 100
        newcomer.perform(newcomer.part.on_closed(1, newcomer.now))
        assert newcomer.height == newcomer.tree.signers.finalized == 0
        assert newcomer.sent == []


@pytest.mark.parametrize("end", ["contradicts it", "ends before it", "is silent", "leaves"])
def test_up_to_the_anchor_nobody_can_lead_a_newcomer_astray(end):
    """A forged history that it was shown first keeps it from the true one no longer than its guide lasts."""
    newcomer = Newcomer(BlockSync, anchor=ANCHOR)
    if end == "ends before it":
        newcomer.connect(1, FALSE[:99])
    elif end == "contradicts it":
        with pytest.raises(PeerFault):
            newcomer.connect(1, FALSE)
        # As good as closed, also where the operator lets it do what it likes.
        assert newcomer.height == 0 and newcomer.follower.peer(1).is_header_synced
    else:
        newcomer.connect(1)
        newcomer.say(1, CertifiedHeaders(FALSE[:60], has_more=True))
        assert newcomer.height == 60
    # Meanwhile nobody else is heard, nothing is fetched, and what others announce is not forgotten.
    newcomer.connect(2, TRUE)
    if end == "leaves":
        newcomer.perform(newcomer.part.on_closed(1, newcomer.now))
    elif end == "is silent":
        assert newcomer.height == 60 and newcomer.sent == []
        newcomer.now += HEADERS_TIMEOUT_US
        newcomer.perform(newcomer.part.on_deadline(newcomer.now))
    assert newcomer.height == newcomer.tree.signers.finalized == 200
    assert newcomer.tree.best_header.hash == TRUE[-1].header.hash
    assert [newcomer.tree.signers.members_at(at) for at in (9, 10, 20, 30)] == [
        listed(keys_at(at)) for at in (9, 10, 20, 30)
    ]
    # Now blocks are fetched, from whoever has shown them.
    wanted = [vector.hash for conn, message in newcomer.sent if conn == 2 for vector in message.inventory]
    assert wanted[:3] == [item.header.hash for item in TRUE[:3]]


def test_beyond_the_anchor_everybody_is_followed():
    newcomer = Newcomer(anchor=ANCHOR)
    newcomer.connect(1, TRUE[:150])
    newcomer.connect(2, TRUE)
    assert newcomer.height == 200
    newcomer.perform(newcomer.part.on_closed(1, newcomer.now))
    assert newcomer.height == 200


@pytest.mark.parametrize(("anchor", "is_initial"), [(None, False), (ANCHOR, True), (replace(ANCHOR, height=0), False)])
def test_whoever_has_not_come_to_the_anchor_is_still_catching_up(anchor, is_initial):
    newcomer = Newcomer(anchor=anchor)
    assert newcomer.follower.snapshot(newcomer.now).is_initial is is_initial


def test_who_is_no_guide_is_heard_when_its_turn_comes():
    newcomer = Newcomer(anchor=ANCHOR)
    newcomer.connect(1)
    newcomer.say(1, CertifiedHeaders(FALSE[:60], has_more=True))
    newcomer.connect(2)
    newcomer.say(2, CertifiedHeaders(TRUE[:60], has_more=True))
    assert newcomer.tree.best_header.hash == FALSE[59].header.hash
    # The guide's chain ends.
    newcomer.say(1, CertifiedHeaders(()))
    assert newcomer.height == 0 and newcomer.asked[-1] == 2
    newcomer.say(2, CertifiedHeaders(TRUE[:60], has_more=True))
    assert newcomer.height == 60


def test_a_guide_that_shows_two_histories_leads_nowhere():
    newcomer = Newcomer(anchor=ANCHOR)
    newcomer.connect(1)
    newcomer.say(1, CertifiedHeaders(TRUE[:50], has_more=True))
    newcomer.say(1, CertifiedHeaders(FALSE[24:60], has_more=True))
    assert newcomer.height == 0
    newcomer.connect(2, TRUE)
    assert newcomer.height == 200
