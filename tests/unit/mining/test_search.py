"""The nonce search on jobs made from templates."""

import dataclasses
import pickle

import pytest

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import SearchNonce
from minicoin.core.faults import MisuseError
from minicoin.core.mining.search import assemble_block, search
from minicoin.core.mining.template import build_template, make_job
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.units import Micros

REGTEST = lookup("regtest")


def job_with(bits: int) -> SearchNonce:
    tree = HeaderTree(REGTEST)
    job = make_job(build_template(tree, tree.genesis, [], b"\x51", Micros(0)), 1)
    return dataclasses.replace(job, header=dataclasses.replace(job.header, bits=bits))


def naive_nonce(job: SearchNonce, extra_nonce: int, tries: int) -> int | None:
    target = bits_to_target(job.header.bits)
    assert target is not None
    for nonce in range(tries):
        if meets_target(assemble_block(job, extra_nonce, nonce).hash, target):
            return nonce
    return None


def test_trivial_target_is_met_soon() -> None:
    found = search(job_with(0x207FFFFF), 0, 100)
    assert found is not None
    assert Block.parse(found.raw).raw == found.raw
    assert found.header == BlockHeader.parse(found.raw)


@pytest.mark.parametrize("bits", [0x207FFFFF, 0x2000FFFF, 0x1F7FFFFF, 0x1F0FFFFF, 0x1F00FFFF])
@pytest.mark.parametrize("extra_nonce", [0, 1, 2**40])
def test_finds_what_a_naive_search_finds(bits: int, extra_nonce: int) -> None:
    job = job_with(bits)
    found = search(job, extra_nonce, 400)
    expected = naive_nonce(job, extra_nonce, 400)
    assert (None if found is None else found.header.nonce) == expected


def test_hard_target_is_not_met() -> None:
    assert search(job_with(0x1D00FFFF), 0, 2000) is None


def test_impossible_target_is_misuse() -> None:
    with pytest.raises(MisuseError, match="0x00000000"):
        search(job_with(0), 0, 1)


def test_extra_nonce_changes_the_coinbase_and_nothing_else() -> None:
    job = job_with(0x207FFFFF)
    one, other = (Block.parse(assemble_block(job, extra, 0).raw) for extra in (1, 2))
    assert one.header.merkle_root != other.header.merkle_root
    assert one.transactions[0].txid != other.transactions[0].txid
    assert one.transactions[0].outputs == other.transactions[0].outputs
    assert (1).to_bytes(8, "little") in one.transactions[0].inputs[0].script_sig


def test_extra_nonce_wraps_around() -> None:
    job = job_with(0x207FFFFF)
    assert assemble_block(job, 2**64 + 5, 0) == assemble_block(job, 5, 0)


def test_jobs_cross_process_boundaries() -> None:
    job = job_with(0x207FFFFF)
    again = pickle.loads(pickle.dumps(job))
    assert again == job
    assert search(again, 3, 100) == search(job, 3, 100)
