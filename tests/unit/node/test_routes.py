"""The route table: each owner once, and what is negotiated or only read has none."""

from minicoin.core.node.messages import MessageHandlers
from minicoin.core.node.routes import ROUTES
from minicoin.core.peer.states import HANDSHAKE_ONLY
from minicoin.core.wire import messages as m


def test_what_a_full_node_answers_or_takes_has_an_owner():
    wanted = {
        m.Inv, m.GetData, m.NotFound, m.GetBlocks, m.GetHeaders, m.Headers, m.BlockMessage, m.Tx, m.MemPool,
        m.FeeFilter, m.SendHeaders, m.GetAddr, m.Addr, m.AddrV2,
    }  # fmt: skip
    assert wanted <= set(ROUTES)


def test_the_session_keeps_handshake_and_pings_to_itself():
    assert not set(ROUTES) & {*HANDSHAKE_ONLY, m.Ping, m.Pong}


def test_each_route_is_a_handler():
    assert all(getattr(MessageHandlers, handler.__name__) is handler for handler in ROUTES.values())
