"""Statements, peers and a model by hand, for tests of the gossip model."""

from minicoin.core.libp2p.identity import Identity
from minicoin.core.overlay.contract import LedgerView, OverlaySetup, PoolPage
from minicoin.core.overlay.gossip.alive import say_alive
from minicoin.core.overlay.gossip.messages import MESSAGES, Heard
from minicoin.core.overlay.gossip.model import GossipOverlay
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

T0 = Micros(1_700_000_000 * SECOND_US)
NETWORK_ID = bytes(range(32))
TIP = bytes([7]) * 32


def identity(number):
    return Identity.from_number(number)


def peer_id(number):
    return identity(number).peer_id.multihash


def address(number, group=None):
    """Each number in a group of its own, where none is named."""
    group = number if group is None else group
    return NodeAddress(f"10.{group}.0.{number & 255}", 8333, peer_id(number))


def group_of(where):
    return where.host.rpartition(".")[0].encode()


def alive(number, version=(1, 1), *, group=None):
    return say_alive(address(number, group), version, NETWORK_ID, identity(number))


def heard(number, version=(1, 1), age_s=0, *, group=None):
    return Heard(alive(number, version, group=group), age_s)


def peer(conn, number=None, *, kind=SlotKind.OVERLAY, takes_transactions=True):
    where = address(conn if number is None else number)
    is_inbound = kind is SlotKind.INBOUND
    return PeerView(conn, where, is_inbound, kind=kind, takes_transactions=takes_transactions)


def ledger(blocks=(TIP,), pool=()):
    """A mempool of inventory vectors at the places 1, 2, ..."""

    def pool_page(peer, since, count):
        page = tuple(pool[since : since + count])
        return PoolPage(page, since + len(page), since + len(page) < len(pool))

    return LedgerView(lambda: len(blocks) - 1, lambda count: tuple(blocks[:count]), pool_page)


def setup(*, seed=b"gossip", own=200, **chosen):
    """Of the node with that number; `chosen` are settings, or fields of the setup."""
    fields = {name: chosen.pop(name) for name in list(chosen) if name in OverlaySetup.__slots__}
    return OverlaySetup(
        Rng(seed),
        **{
            "full_relay": 8,
            "block_only": 2,
            "settings": chosen,
            "network_id": NETWORK_ID,
            "is_private_network": True,
            "own_address": lambda: address(own),
            "identity": identity(own),
            "peer_id": peer_id(own),
            "ledger": ledger(),
            "group": group_of,
        }
        | fields,
    )


def started(**chosen):
    """A model that has begun, at T0."""
    made = GossipOverlay(setup(**chosen))
    list(made.on_deadline(T0))
    made.alarm.set(made.next_deadline())
    return made


def meet(made, *peers, now=T0):
    """They become partners; what it says to them."""
    return [effect for each in peers for effect in made.on_offer(each, MESSAGES, now)]
