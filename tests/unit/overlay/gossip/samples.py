"""One message of each kind, for tests and fuzz targets."""

from tests.unit.overlay.gossip.made import heard, peer_id

from minicoin.core.limits import GOSSIP_HOPS_MAX, GOSSIP_SHUFFLE_ENTRIES_MAX
from minicoin.core.overlay.gossip.messages import Seek, Shuffle, Shuffled, Sought
from minicoin.core.overlay.repair.messages import Pull, Pulled

ENTRIES = tuple(heard(number, (number, 2), number) for number in range(GOSSIP_SHUFFLE_ENTRIES_MAX))
SAMPLES = (
    Shuffle(1, ENTRIES),
    Shuffled(0, ENTRIES[:1]),
    Pull(3, bytes(32), 2**63),
    Pulled(4, True, 5),
    Seek(5, GOSSIP_HOPS_MAX, peer_id(1)),
    Sought(6, ENTRIES[0]),
)
