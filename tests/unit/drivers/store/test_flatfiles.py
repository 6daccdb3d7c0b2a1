"""Flat files of records: what is appended is read, scanned and cut."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.drivers.store.errors import StoreCorrupt
from minicoin.drivers.store.flatfiles import FRAME_SIZE, FlatFiles, Position

MAGIC = b"MAGC"


def make(directory, limit=1000) -> FlatFiles:
    return FlatFiles(directory, "blk", MAGIC, limit)


@settings(max_examples=30, deadline=None)
@given(payloads=st.lists(st.binary(max_size=300), max_size=25))
def test_everything_appended_is_read_and_scanned(tmp_path_factory, payloads):
    directory = tmp_path_factory.mktemp("flat")
    files = make(directory)
    places = [files.append(payload) for payload in payloads]
    assert [files.read(place) for place in places] == payloads
    assert list(files.scan(0, 0)) == list(zip(places, payloads, strict=True))
    end = files.end
    files.close()
    again = make(directory)
    assert again.end == end
    assert list(again.scan(0, 0)) == list(zip(places, payloads, strict=True))
    assert all(path.stat().st_size <= 1000 for path in directory.iterdir())
    again.close()


def test_framing_is_bitcoins(tmp_path):
    files = make(tmp_path)
    assert files.append(b"abc") == Position(0, FRAME_SIZE, 3)
    files.sync()
    assert (tmp_path / "blk00000.dat").read_bytes() == MAGIC + b"\x03\0\0\0abc"
    files.close()


def test_a_record_larger_than_a_file_gets_its_own(tmp_path):
    files = make(tmp_path)
    places = [files.append(bytes(size)) for size in (10, 2000, 10)]
    assert [place.file for place in places] == [0, 1, 2]
    files.close()


@pytest.mark.parametrize("left", [1, FRAME_SIZE - 1, FRAME_SIZE, FRAME_SIZE + 5])
def test_scan_ends_at_a_torn_record(tmp_path, left):
    files = make(tmp_path)
    first = files.append(b"whole")
    second = files.append(b"torn record")
    path = files.path(0)
    with path.open("r+b") as file:
        file.truncate(second.offset - FRAME_SIZE + left)
    files = make(tmp_path)
    assert [place for place, _ in files.scan(0, 0)] == [first]
    assert files.truncate(0, first.offset + first.size) == left
    assert files.append(b"next") == Position(0, second.offset, 4)
    with pytest.raises(StoreCorrupt, match=r"blk00000\.dat is truncated"):
        files.read(second)
    files.close()


def test_truncate_removes_later_files(tmp_path):
    files = make(tmp_path)
    places = [files.append(bytes(600)) for _ in range(4)]
    assert files.truncate(1, places[1].offset + 600) == 2 * (600 + FRAME_SIZE)
    assert files.numbers() == [0, 1]
    assert files.append(bytes(600)).file == 2
    files.close()


def test_many_files_need_few_descriptors(tmp_path):
    open_before = len(os.listdir("/proc/self/fd"))
    files = make(tmp_path, limit=10)
    places = [files.append(bytes((number,))) for number in range(40)]
    assert [files.read(place)[0] for place in places] == list(range(40))
    assert len(os.listdir("/proc/self/fd")) - open_before <= 16
    files.close()
