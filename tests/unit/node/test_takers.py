"""Who takes which message: each has one taker, and what is negotiated or only read has none."""

from tests.unit.node.bench import Bench

from minicoin.core.peer.states import HANDSHAKE_ONLY
from minicoin.core.wire import messages as m

TAKERS = Bench().node.view.takers()


def test_what_a_full_node_answers_or_takes_has_a_taker():
    wanted = {
        m.Inv, m.GetData, m.NotFound, m.GetBlocks, m.GetHeaders, m.Headers, m.BlockMessage, m.Tx, m.MemPool,
        m.FeeFilter, m.SendHeaders, m.GetAddr, m.Addr, m.AddrV2,
    }  # fmt: skip
    assert wanted <= set(TAKERS)


def test_the_session_keeps_handshake_and_pings_to_itself():
    assert not set(TAKERS) & {*HANDSHAKE_ONLY, m.Ping, m.Pong}


def test_a_message_belongs_to_the_part_that_knows_what_it_is_about():
    assert TAKERS[m.Headers] == "BlockSync.take_headers"
    assert TAKERS[m.Tx] == "TxFlow.take_tx"
    assert TAKERS[m.Addr] == TAKERS[m.AddrV2] == "AddressFlow.take_addresses"
