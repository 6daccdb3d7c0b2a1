"""Chains that members sign go out into files and come in again, each block with its certificate."""

from pathlib import Path

import pytest
from tests.unit.chain.five_banks import KEYS, NETWORK, NEW_KEYS, maker

from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.limits import BLOCKS_WITHOUT_CERTIFICATE_MAX
from minicoin.core.primitives.block import Block
from minicoin.drivers.store.blockfiles import export_blocks, import_blocks
from minicoin.drivers.store.certified_files import certificate_path, export_certificate
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.certified_chain import CertifiedMaker


def open_chain() -> LocalChain:
    return LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())


def grown() -> CertifiedMaker:
    """Two changes of members and two more blocks."""
    made = maker(2)
    made.extend(change=made.change((*KEYS[1:], *NEW_KEYS)))
    made.grow(2)
    made.extend(change=made.change(KEYS))
    made.grow(3)
    return made


def chain_of(made: CertifiedMaker) -> LocalChain:
    chain = open_chain()
    for certified in made.blocks:
        assert chain.accept(certified.raw, certified.kept) is None
    return chain


def write(path: Path, blocks: list[Block]) -> Path:
    path.write_bytes(b"".join(NETWORK.magic + len(one.raw).to_bytes(4, "little") + one.raw for one in blocks))
    return path


def blocks_of(made: CertifiedMaker) -> list[Block]:
    return [certified.block for certified in made.blocks]


@pytest.mark.parametrize("length", range(3, 10))
def test_out_and_in_again_at_any_height(tmp_path: Path, length: int) -> None:
    """Also where the tip's certificate names another list: it comes along."""
    made = grown()
    del made.blocks[length:]
    chain = chain_of(made)
    file = tmp_path / "bootstrap.dat"
    assert export_blocks(chain, file) == length + 1
    assert export_certificate(chain, file) == certificate_path(file) == tmp_path / "bootstrap.dat.cert"
    other = open_chain()
    report = import_blocks(other, [file])
    assert (report.height, report.stored, report.refused, report.problems) == (length, length, 0, [])
    headers = [certified.header for certified in made.blocks]
    assert other.tree.certificates(headers) == chain.tree.certificates(headers)
    assert other.engine.coin_set_hash() == chain.engine.coin_set_hash()
    again = import_blocks(other, [file])
    assert (again.stored, again.known) == (0, length + 1)


def test_without_the_certificate_the_last_block_is_left_out_and_named(tmp_path: Path) -> None:
    made = grown()
    file = write(tmp_path / "blocks.dat", blocks_of(made))
    chain = open_chain()
    report = import_blocks(chain, [file])
    assert (report.height, report.stored, report.without_certificate) == (8, 8, 1)
    assert ".cert" in report.problems[0] and str(made.tip) in report.problems[0]
    certificate_path(file).write_bytes(made.blocks[-1].kept.encode())
    report = import_blocks(chain, [file])
    assert (report.height, report.stored, report.without_certificate) == (9, 1, 0)


def test_blocks_come_in_any_order_and_from_many_files(tmp_path: Path) -> None:
    made = grown()
    blocks = blocks_of(made)
    files = [
        write(tmp_path / "blk00000.dat", [blocks[4], blocks[0], blocks[6]]),
        write(tmp_path / "blk00001.dat", [blocks[8], blocks[2], blocks[7]]),
        write(tmp_path / "blk00002.dat", [blocks[5], blocks[1], blocks[3]]),
    ]
    certificate_path(files[1]).write_bytes(made.blocks[-1].kept.encode())
    chain = open_chain()
    report = import_blocks(chain, files)
    assert (report.height, report.stored, report.refused, report.without_parent) == (9, 9, 0, 0)


def test_a_certificate_that_does_not_hold_lets_nothing_in(tmp_path: Path) -> None:
    made = grown()
    file = write(tmp_path / "blocks.dat", blocks_of(made))
    forged = bytearray(made.blocks[-1].kept.encode())
    forged[-1] ^= 1
    certificate_path(file).write_bytes(forged)
    report = import_blocks(open_chain(), [file])
    assert (report.height, report.refused) == (8, 1)
    assert "bad-certificate" in report.problems[0]
    certificate_path(file).write_bytes(b"nonsense")
    with pytest.raises(MisuseError, match="is no certificate"):
        import_blocks(open_chain(), [file])


def test_a_block_that_carries_none_does_not_hold_up_the_one_that_does(tmp_path: Path) -> None:
    made = maker(2)
    bare = made.next_block(tags=CoinbaseTags())
    made.grow(2)
    file = write(tmp_path / "blocks.dat", [*blocks_of(made)[:2], bare, *blocks_of(made)[2:]])
    report = import_blocks(open_chain(), [file])
    assert (report.height, report.refused, report.without_certificate) == (3, 1, 1)


def test_a_few_blocks_wait(tmp_path: Path) -> None:
    made = maker(0)
    rivals = [made.next_block(time=made.tip.time + step) for step in range(1, BLOCKS_WITHOUT_CERTIFICATE_MAX + 3)]
    report = import_blocks(open_chain(), [write(tmp_path / "blocks.dat", rivals)])
    assert (report.height, report.refused) == (0, 2)
    assert report.without_certificate == BLOCKS_WITHOUT_CERTIFICATE_MAX


def test_nothing_lies_beside_an_empty_chain(tmp_path: Path) -> None:
    assert export_certificate(open_chain(), tmp_path / "file") is None
    assert list(tmp_path.iterdir()) == []
