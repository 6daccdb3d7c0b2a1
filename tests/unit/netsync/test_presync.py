"""Headers heard twice: what leaves the first hearing, what the second keeps, and who is caught between the two."""

from dataclasses import replace
from functools import cache

import pytest

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.proof import ProofOfWork
from minicoin.core.limits import PRESYNC_BIT_EVERY_HEADERS, PRESYNC_BUFFER_HEADERS
from minicoin.core.netsync.presync import Presync
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.units import SECOND_US, Micros

NETWORK = lookup("bitcoin-regtest")
START = HeaderTree(NETWORK).genesis
PROOF = ProofOfWork(NETWORK)
# Of a fresh chain nobody can have more headers than time allows: here there is time enough.
NOW = Micros((START.header.time + 10_000_000) * SECOND_US)
LENGTH = PRESYNC_BUFFER_HEADERS + 3 * PRESYNC_BIT_EVERY_HEADERS
WORK = START.chainwork + 2 * LENGTH
"""A header of this network is worth 2."""


@cache
def chain(tag: int = 0, length: int = LENGTH) -> tuple[BlockHeader, ...]:
    """Headers in order; their own work is not looked at here."""
    made = [START.header]
    for number in range(length):
        previous = made[-1]
        made.append(BlockHeader(4, previous.hash, bytes(32), previous.time + 60, previous.bits, number + (tag << 20)))
    return tuple(made[1:])


def presync(work: int = WORK, now: Micros = NOW) -> Presync:
    return Presync(START, work, PROOF, bytes(range(32)), now)


def heard(headers: tuple[BlockHeader, ...], work: int = WORK) -> Presync:
    """After the first hearing."""
    one = presync(work)
    answer = one.take(headers, is_full=False)
    assert (answer.fits, answer.goes_on, answer.ready) == (True, True, ())
    assert one.height is None and one.last == START.hash
    return one


def test_nothing_is_kept_before_the_work_is_there() -> None:
    one = presync()
    answer = one.take(chain()[:-1], is_full=True)
    assert (answer.fits, answer.goes_on, answer.ready) == (True, True, ())
    assert (one.height, one.last) == (LENGTH - 1, chain()[-2].hash)
    # A message that is not full ends a chain that has too little.
    assert not presync().take(chain()[:-1], is_full=False).goes_on


def test_the_second_coming_is_kept_behind_a_buffer_and_whole_at_its_end() -> None:
    one = heard(chain())
    headers, ready = chain(), list[BlockHeader]()
    for at in range(0, LENGTH, 500):
        answer = one.take(headers[at : at + 500], is_full=True)
        assert answer.fits
        ready += answer.ready
        if at + 500 < LENGTH:
            assert answer.goes_on
            assert len(ready) == max(0, at + 500 - PRESYNC_BUFFER_HEADERS)
    assert tuple(ready) == headers


def test_what_came_behind_the_work_meanwhile_is_taken_too() -> None:
    one = heard(chain()[:1_000], START.chainwork + 2_000)
    assert one.take(chain()[:1_500], is_full=True).ready == chain()[:1_500]


def test_another_chain_the_second_time_does_not_fit() -> None:
    """Each bit catches one chain in two; of ten others none passes with its eight or more."""
    passed = 0
    for tag in range(1, 11):
        one = heard(chain())
        passed += one.take(chain(tag), is_full=False).fits
    assert passed == 0


@pytest.mark.parametrize("hearing", [1, 2])
def test_what_does_not_continue_does_not_fit(hearing: int) -> None:
    one = heard(chain()) if hearing == 2 else presync()
    assert not one.follows(chain()[1])
    assert not one.take(chain()[1:], is_full=True).fits


def test_bits_that_the_rules_do_not_allow_do_not_fit() -> None:
    first = replace(chain()[0], bits=0x1D00FFFF)
    main = Presync(HeaderTree(lookup("bitcoin")).genesis, 1 << 200, ProofOfWork(lookup("bitcoin")), bytes(32), NOW)
    child = BlockHeader(4, main.start.hash, bytes(32), 0, 0x1C00FFFF, 0)
    assert not main.take([child], is_full=True).fits
    assert main.take([replace(child, bits=first.bits)], is_full=True).fits


def test_more_headers_than_there_was_time_for_do_not_fit() -> None:
    """So the memory of one hearing is bounded, whatever a peer sends."""
    young = presync(now=Micros(START.header.time * SECOND_US))
    assert not young.take(chain(length=60_000), is_full=True).fits
