"""The chain workers of all hosts: a job is done at once, and answered when a computer of this speed would be done."""

from minicoin.core.effects import Activate, ReadBlock, StoreBlock, VerifyProposal, VerifyTransaction
from minicoin.core.events import ChainMoved, Event, ProposalVerified, TransactionVerified
from minicoin.core.work import ChainJob, rest_of
from minicoin.world.costs import WorkCosts
from minicoin.world.host import Host, Runner
from minicoin.world.loop import Loop


class Workers:
    """One line of jobs for each host, in the order asked."""

    def __init__(self, loop: Loop, costs: WorkCosts) -> None:
        self._loop = loop
        self._costs = costs

    def work(self, host: Host, job: ChainJob) -> None:
        """Do one job."""
        answer = host.disk.ledger.perform(job)
        if answer is None:
            return
        cost = self._cost(host, job, answer)
        if isinstance(answer, ProposalVerified) and answer.refusal is None:
            host.judged = answer.block
        now = self._loop.queue.now
        if not cost:
            self._loop.answer_at_once(host, answer)
        else:
            cost = round(cost * host.cpu_factor)
            if isinstance(answer, TransactionVerified):
                answer = TransactionVerified(answer.verdict, cost)
            host.worker_free = max(host.worker_free, now) + cost
            self._loop.post(host, answer, host.worker_free - now)
        rest = rest_of(job, answer)
        if rest is not None:
            self._loop.queue.at(max(host.worker_free, now), self._work_on, host, (host.runner, rest))

    def _work_on(self, host: Host, left: tuple[Runner, ChainJob]) -> None:
        """What was left of a job, unless the node that asked is gone."""
        runner, job = left
        if host.runner is runner:
            self.work(host, job)
            self._loop.perform(host)

    def _cost(self, host: Host, job: ChainJob, answer: Event) -> int:
        costs = self._costs
        match job:
            case StoreBlock() | Activate() if isinstance(answer, ChainMoved):
                # Whoever mined a block, or judged it before it was decided, has nothing left to find out about it.
                known = (None if host.mined is None else host.mined.hash, host.judged)
                return sum(
                    costs.block(summary.size) for summary in answer.update.connected if summary.hash not in known
                )
            case VerifyProposal(block):
                return 0 if block.hash == host.judged else costs.block(len(block.raw))
            case VerifyTransaction():
                return costs.transaction_us
            case ReadBlock():
                return costs.read_us
            case _:
                return 0
