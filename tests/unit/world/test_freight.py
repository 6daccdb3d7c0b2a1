"""What a message weighs and how it is marked, however long it is."""

from tests.unit.overlay.supernode.made import leaf_record, peer_id

from minicoin.core.overlay.supernode.messages import SuperFind, SuperNews
from minicoin.core.wire.frame import message_wire_size
from minicoin.core.wire.messages import Ping
from minicoin.world.digest import message_key
from minicoin.world.freight import freight_of, freight_of_bytes
from minicoin.world.traffic import MessageKinds


def test_its_mark_is_the_same_whether_it_is_kept_or_worked_out_again():
    long = SuperNews((leaf_record(2, (1,)),) * 20)
    for message in (Ping(7), SuperFind(1, peer_id(1)), long):
        freight = freight_of(message, MessageKinds())
        assert freight.mark() == message_key(message) and freight.size == message_wire_size(message)
    assert len(message_key(long)) > 1_024 and freight_of_bytes(b"ab").mark() == b"bytes ab"
