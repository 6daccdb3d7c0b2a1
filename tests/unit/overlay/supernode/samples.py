"""One well-formed message of each kind, and more where a field decides."""

from tests.unit.overlay.supernode.made import address, leaf_record, peer_id, status_record

from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperGet,
    SuperHave,
    SuperNews,
    SuperPage,
    SuperPlace,
    Verdict,
    Wanted,
)

RECORDS = (status_record(1), leaf_record(2, (1, 3), at=address(2)))
SAMPLES = (
    SuperNews(RECORDS),
    SuperNews(()),
    SuperHave(Wanted.DIRECTORY, ((peer_id(2), 1 << 60), (peer_id(3), 0))),
    SuperHave(Wanted.ALL_SUPERS, ()),
    SuperGet(Wanted.ALL_SUPERS, (peer_id(1), peer_id(2))),
    SuperAsk(),
    SuperAsk(Wanted.DIRECTORY, peer_id(2)),
    SuperPage(RECORDS, has_more=True),
    SuperPage((), has_more=False),
    SuperAttach(2),
    SuperPlace(Verdict.LATER, 7),
    SuperPlace(Verdict.PLACED),
    SuperFind(9, peer_id(2)),
    SuperFound(9, RECORDS),
)
KINDS = tuple(dict.fromkeys(type(sample) for sample in SAMPLES))
