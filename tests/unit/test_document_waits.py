"""What was acknowledged is on disk: answers wait for the write, and a refusal of the disk is heard."""

from tests.unit.node.bench import Bench

from minicoin.core.answers import Done
from minicoin.core.commands import PrioritiseTransaction, SaveMempool
from minicoin.core.effects import SaveState
from minicoin.core.events import Saved

TXID = b"\x11" * 32


def test_a_change_of_a_fee_is_answered_by_the_disk():
    bench = Bench(is_working=False)
    first = bench.command(PrioritiseTransaction(TXID, 5))
    second = bench.command(PrioritiseTransaction(TXID, 6))
    assert [effect.key for effect in bench.take(SaveState)] == ["priorities", "priorities"]
    assert not bench.replies
    bench.handle(Saved("priorities"))
    assert bench.replies[first].answer == Done()
    assert second not in bench.replies
    bench.handle(Saved("priorities", "no space left"))
    assert "no space left" in bench.replies[second].answer.text
    # Nothing changes, nothing is written.
    assert bench.ask(PrioritiseTransaction(TXID, 0)) == Done()
    assert not bench.take(SaveState)


def test_the_mempool_is_written_on_demand():
    bench = Bench(is_working=False)
    request = bench.command(SaveMempool())
    (effect,) = bench.take(SaveState)
    assert (effect.key, effect.value) == ("mempool", bench.node.view.mempool.to_bytes())
    assert request not in bench.replies
    bench.handle(Saved("mempool"))
    assert bench.replies[request].answer == Done()


def test_an_event_of_another_document_answers_nobody():
    bench = Bench(is_working=False)
    request = bench.command(SaveMempool())
    bench.handle(Saved("peers"))
    assert request not in bench.replies
