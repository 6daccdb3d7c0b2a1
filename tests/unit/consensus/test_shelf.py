"""The blocks that votes are about."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, KEYS, precommit

from minicoin.core.consensus.shelf import DecidedBlock, Shelf, WrittenBlocks
from minicoin.core.faults import DecodeError
from minicoin.core.limits import CONSENSUS_BLOCK_BYTES_MAX
from minicoin.core.primitives.block import RawBlock
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.members import member_list

from .samples import HEADER


def block(number: int, length: int = 81) -> RawBlock:
    header = replace(HEADER, nonce=number)
    return RawBlock(header, header.raw.ljust(length, b"\0"))


def decided(raw: RawBlock, *, changes: bool = False) -> DecidedBlock:
    certificate = certificate_of([precommit(key, raw.hash) for key in KEYS[:4]], BANKS)
    return DecidedBlock(certificate, member_list(BANKS.keys[:4]) if changes else None, raw)


@pytest.mark.parametrize(
    "written",
    [
        WrittenBlocks(),
        WrittenBlocks(None, (block(1), block(2))),
        WrittenBlocks(decided(block(3)), (block(1),)),
        WrittenBlocks(decided(block(3), changes=True)),
    ],
)
def test_what_is_written_comes_back_and_no_part_of_it_does(written: WrittenBlocks) -> None:
    raw = written.encode()
    assert WrittenBlocks.decode(raw) == written
    for broken in (*(raw[:end] for end in range(len(raw))), raw + b"\0", b"\2" + raw[1:]):
        with pytest.raises(DecodeError):
            WrittenBlocks.decode(broken)


def test_a_decided_block_stands_with_its_own_certificate() -> None:
    wrong = replace(decided(block(3)), block=block(4))
    with pytest.raises(DecodeError, match="its own certificate"):
        WrittenBlocks.decode(WrittenBlocks(wrong).encode())


def test_one_block_for_each_round_and_those_of_lower_heights_go() -> None:
    shelf = Shelf()
    assert shelf.put(7, 0, block(1), ())
    assert shelf.put(7, 0, block(1), ())
    assert not shelf.put(7, 0, block(2), ())
    assert shelf.put(8, 0, block(3), ())
    shelf.begin(8)
    assert block(1).hash not in shelf
    assert shelf.get(block(3).hash) == block(3)


def test_what_waits_is_bounded_and_what_binds_us_stays() -> None:
    shelf = Shelf()
    size = CONSENSUS_BLOCK_BYTES_MAX // 4
    bound = block(0, size)
    for number in range(10):
        assert shelf.put(7, number, block(number, size), (bound.hash,))
    held = [number for number in range(10) if block(number).hash in shelf]
    assert held == [0, 7, 8, 9]
    # One that was let go may come again.
    assert shelf.put(7, 1, block(1, size), (bound.hash,))


def test_it_is_written_once_and_again_where_the_disk_refused() -> None:
    shelf = Shelf(decided(block(3)))
    shelf.put(7, 0, block(1), ())
    raw = shelf.write([block(1).hash, block(9).hash])
    assert raw == WrittenBlocks(decided(block(3)), (block(1),)).encode()
    assert shelf.write([block(1).hash]) is None
    shelf.forget_written()
    assert shelf.write([block(1).hash]) == raw
    restored = Shelf()
    restored.restore(7, WrittenBlocks.decode(raw).blocks)
    restored.begin(7)
    assert block(1).hash in restored
    restored.begin(8)
    assert block(1).hash not in restored
