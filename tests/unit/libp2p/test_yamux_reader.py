"""Cutting bytes into frames: however they arrive, the same headers and bodies come out."""

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.libp2p.yamux_frames import DATA, HEADER_BYTES, PING, WINDOW_UPDATE, encode_header
from minicoin.core.libp2p.yamux_reader import FrameReader

FRAMES = st.lists(
    st.one_of(
        st.tuples(st.just(DATA), st.binary(max_size=40)),
        st.tuples(st.sampled_from([WINDOW_UPDATE, PING]), st.just(b"")),
    ),
    max_size=8,
)


@given(FRAMES, st.lists(st.integers(1, 30), max_size=20))
def test_pieces_make_no_difference(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(encode_header(kind, 0, 1, len(body) if kind == DATA else 7) + body for kind, body in frames)
    reader, read, at = FrameReader(), list[tuple[int, bytes]](), 0
    for cut in [*cuts, len(stream)]:
        for piece in reader.read(stream[at : at + cut]):
            if isinstance(piece, tuple):
                read.append((piece[1], b""))
            else:
                kind, body = read[-1]
                read[-1] = (kind, body + piece)
        at += cut
    assert read == frames
    assert reader.body_left == 0


def test_a_claimed_length_costs_nothing() -> None:
    reader = FrameReader()
    assert list(reader.read(encode_header(DATA, 0, 1, 0xFFFF_FFFF))) == [(0, DATA, 0, 1, 0xFFFF_FFFF)]
    assert reader.body_left == 0xFFFF_FFFF
    assert list(reader.read(b"ab")) == [b"ab"]
    assert HEADER_BYTES == 12
