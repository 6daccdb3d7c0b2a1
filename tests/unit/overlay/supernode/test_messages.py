"""The model's messages: their bytes, and what is refused."""

import pytest
from tests.unit.overlay.supernode.made import peer_id, setup_of
from tests.unit.overlay.supernode.samples import KINDS, RECORDS, SAMPLES
from tests.unit.records.world import record_of

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SUPER_NAMES_PER_MESSAGE_MAX, SUPER_PARENTS_MAX, SUPER_RECORDS_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFound,
    SuperGet,
    SuperHave,
    SuperNews,
    SuperPage,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.overlay.supernode.super import SuperOverlay
from minicoin.core.wire.codec import make_extensions


@pytest.mark.parametrize("message", SAMPLES)
def test_each_comes_back_and_is_refused_where_it_is_cut(message):
    raw = message.encode()
    assert type(message).decode(raw) == message and len(raw) <= message.payload_bytes_max
    for cut in range(len(raw)):
        with pytest.raises(DecodeError):
            type(message).decode(raw[:cut])
    with pytest.raises(DecodeError):
        type(message).decode(raw + b"\0")


def test_every_message_the_model_takes_has_a_sample_and_a_name_of_its_own():
    taken = [one.message for one in SuperOverlay(setup_of(1, "super")).routes()]
    assert sorted(kind.command for kind in taken) == sorted(kind.command for kind in KINDS)
    assert len(make_extensions(taken)) == len(taken) + 1


def test_the_most_there_may_be_fits():
    full = SuperNews(RECORDS[:1] * SUPER_RECORDS_PER_MESSAGE_MAX)
    assert SuperNews.decode(full.encode()) == full and len(full.encode()) < SuperNews.payload_bytes_max
    with pytest.raises(DecodeError, match="at most 256"):
        SuperNews.decode(SuperNews(RECORDS[:1] * (SUPER_RECORDS_PER_MESSAGE_MAX + 1)).encode())
    named = SuperHave(Wanted.DIRECTORY, ((peer_id(1), 1 << 63),) * SUPER_NAMES_PER_MESSAGE_MAX)
    assert SuperHave.decode(named.encode()) == named and len(named.encode()) < SuperHave.payload_bytes_max


@pytest.mark.parametrize(
    "wrong",
    [
        SuperNews((record_of(),)),
        SuperAsk(Wanted.SUPERS, peer_id(1)),
        SuperHave(Wanted.SUPERS, ()),
        SuperHave(Wanted.DIRECTORY, ((peer_id(1), 1),) * (SUPER_NAMES_PER_MESSAGE_MAX + 1)),
        SuperGet(Wanted.SUPERS, (peer_id(1),)),
        SuperGet(Wanted.DIRECTORY, (peer_id(1),) * (SUPER_RECORDS_PER_MESSAGE_MAX + 1)),
        SuperPage((), has_more=True),
        SuperAttach(SUPER_PARENTS_MAX + 1),
        SuperFound(1, RECORDS * SUPER_PARENTS_MAX),
    ],
)
def test_what_no_peer_of_ours_says_is_refused(wrong):
    with pytest.raises(DecodeError):
        type(wrong).decode(wrong.encode())


def test_unknown_words_are_refused():
    with pytest.raises(DecodeError, match="unknown verdict 5"):
        SuperPlace.decode(bytes((len(Verdict), 0, 0)))
    with pytest.raises(DecodeError, match="unknown thing 3"):
        SuperAsk.decode(bytes((len(Wanted), 0)))
    with pytest.raises(DecodeError, match="whether there is another"):
        SuperPage.decode(b"\2\0")
