"""What a simulated computer's worker takes for its jobs: each block is found out about once."""

from types import SimpleNamespace

from tests.unit.chain.five_banks import NETWORK, maker

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import StoreBlock, VerifyProposal
from minicoin.world.costs import WorkCosts
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.worker import Workers

COSTS = WorkCosts(block_base_us=1_000)


class Loop:
    """Notes when answers come."""

    def __init__(self) -> None:
        self.queue = SimpleNamespace(now=0)
        self.delays = []

    def post(self, host, answer, delay) -> None:
        self.delays.append(delay)

    def answer_at_once(self, host, answer) -> None:
        self.delays.append(0)


def test_a_block_that_was_judged_before_costs_nothing_more() -> None:
    made = maker(2)
    loop = Loop()
    workers = Workers(loop, COSTS)
    disk = SimpleNamespace(ledger=OwnLedger(NETWORK, ScriptedVerifier()))
    host = SimpleNamespace(disk=disk, mined=None, judged=None, cpu_factor=1.0, worker_free=0)
    first, second = made.blocks
    for job in (
        VerifyProposal(first.raw, 1),
        VerifyProposal(first.raw, 1),
        StoreBlock(first.raw, 1, connects=True, certificate=first.kept),
        StoreBlock(second.raw, 2, connects=True, certificate=second.kept),
    ):
        host.worker_free = 0
        workers.work(host, job)
    judging, again, storing, unknown = loop.delays
    assert judging >= 1_000
    assert (again, storing) == (0, 0)
    assert unknown >= 1_000
