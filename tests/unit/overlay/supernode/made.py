"""What the tests of super nodes and leaves are made of: people, their records, peers, and models by hand."""

from minicoin.core.alarm import is_due
from minicoin.core.libp2p.identity import Identity
from minicoin.core.overlay.contract import LedgerView, OverlaySetup
from minicoin.core.overlay.supernode.entries import LEAF_KEY, STATUS_KEY, Attachment, Signer, SuperStatus
from minicoin.core.overlay.supernode.messages import SuperAsk
from minicoin.core.overlay.supernode.settings import SETTINGS
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

T0 = Micros(1_700_000_000 * SECOND_US)
NETWORK_ID = bytes(31) + b"\x07"
TIP = b"\x11" * 32


def identity(number):
    return Identity.from_number(number)


def peer_id(number):
    return identity(number).peer_id.multihash


def address(number, host=None):
    return NodeAddress(host or f"10.0.{number >> 8}.{number & 255}", 8333, peer_id(number))


def status(number, leaves=0, places=64, *, links=3, delay_ms=40, height=5, tip=TIP, at=None):
    return SuperStatus(at or address(number), leaves, places, links, delay_ms, height, tip)


def status_record(number, now=T0, network_id=NETWORK_ID, **given):
    return Signer(identity(number), network_id).sign(STATUS_KEY, status(number, **given).encode(), now)


def leaf_record(number, supers, now=T0, *, at=None, network_id=NETWORK_ID):
    value = Attachment(at, tuple(map(peer_id, supers))).encode()
    return Signer(identity(number), network_id).sign(LEAF_KEY, value, now)


def peer(conn, number, *, is_inbound=True, kind=None):
    kind = kind or (SlotKind.INBOUND if is_inbound else SlotKind.OVERLAY)
    return PeerView(conn, address(number), is_inbound=is_inbound, kind=kind)


def settings_of(**chosen):
    return {row.name: chosen.get(row.name, row.default) for row in SETTINGS}


class Ledger:
    """A chain of a test: its height, and each block's hash."""

    def __init__(self, height=5):
        self.height = height
        self.blocks = {}

    def hash_at(self, height):
        return self.blocks.get(height, height.to_bytes(32, "big"))

    def view(self):
        def recent(count):
            return tuple(map(self.hash_at, range(self.height, max(-1, self.height - count), -1)))

        return LedgerView(lambda: self.height, recent)


def setup_of(number, role, *, seed=b"test", saved=None, ledger=None, signs=True, records=None, **chosen):
    return OverlaySetup(
        Rng(seed),
        8,
        2,
        settings=settings_of(**chosen),
        role=role,
        is_private_network=True,
        own_address=lambda: address(number),
        identity=identity(number) if signs else None,
        peer_id=peer_id(number),
        ledger=(ledger or Ledger()).view(),
        network_id=NETWORK_ID,
        saved=saved,
        records=records,
    )


def offer(model, view, now):
    """A peer of the model is ready."""
    return list(model.on_offer(view, (SuperAsk,), now))


def sent(effects, kind):
    """The messages of one kind, by connection."""
    return [(effect.conn, effect.message) for effect in effects if isinstance(getattr(effect, "message", None), kind)]


class Watched:
    """A helper whose alarm is its owner's, as check_alarm wants it."""

    def __init__(self, part, alarm):
        self.alarm = alarm
        self.next_deadline = part.next_deadline


def pass_time(model, now, until):
    """As node does: deadline by deadline; what came of them."""
    effects = []
    for _ in range(1_000):
        deadline = model.next_deadline()
        if deadline is None or deadline > until:
            return effects
        now = Micros(max(now, deadline))
        assert model.alarm.at <= now
        if is_due(model, now):
            effects += model.on_deadline(now)
            model.alarm.set(model.next_deadline())
    raise AssertionError("a busy loop")
