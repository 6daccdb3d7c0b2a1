"""Every command is answered exactly once, by its kind of answer: at once, with its result, at a failure or the stop."""

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.netsync.samples import LOCKED_STATEMENT
from tests.unit.node.bench import LETTERS, NETWORK, NOBODY, Bench
from tests.unit.node.spending import funded, spend_coin

from minicoin.core import commands as c
from minicoin.core.answers import BlockVerdict, Done, Mined, Reason, Refused
from minicoin.core.effects import Activate, ReadBlock, Reply, Shutdown, StoreBlock, VerifyTransaction
from minicoin.core.events import WorkFailed
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import LONG_POLLS_MAX
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import SECOND_US
from minicoin.testing.chain_maker import ChainMaker, rehash


def branch(length, seed=1):
    maker = ChainMaker(NETWORK, seed)
    made = maker.new_branch()
    for _ in range(length):
        maker.extend(made, maker.next_block(made, time=made.tip.time + seed))
    return made.blocks


def raw(block):
    return RawBlock(block.header, block.raw)


SELF, ADDRESSEE = Identity.from_number(1), Identity.from_number(2).peer_id.multihash
STRAY = Transaction(2, (TxIn(make_outpoint(b"?" * 32, 0)),), (TxOut(50_000, NOBODY),))
STRAY_CHILD = Transaction(2, (TxIn(make_outpoint(STRAY.txid, 0)),), (TxOut(40_000, NOBODY),))
BLOCKS = branch(4)
RIVALS = branch(4, seed=2)
BAD = rehash(BLOCKS[0], (BLOCKS[0].transactions[0], STRAY))


def test_a_submitted_block_is_answered_by_its_fate():
    bench = Bench()
    assert bench.ask(c.SubmitBlock(raw(BLOCKS[0]))) == BlockVerdict()
    assert bench.ask(c.SubmitBlock(raw(BLOCKS[0]))) == BlockVerdict("duplicate")
    assert bench.ask(c.SubmitBlock(raw(RIVALS[0]))) == BlockVerdict("inconclusive")
    assert bench.ask(c.SubmitBlock(raw(BLOCKS[2]))) == BlockVerdict("prev-blk-not-found")


def test_marks_are_answered_when_the_chain_has_moved():
    bench = Bench()
    for block in BLOCKS:
        assert bench.ask(c.SubmitBlock(raw(block))) == BlockVerdict()
    tree = bench.node.view.tree
    bench.is_working = False
    for command, height in ((c.InvalidateBlock(BLOCKS[1].hash), 1), (c.ReconsiderBlock(BLOCKS[1].hash), 4)):
        request = bench.command(command)
        assert request not in bench.replies
        bench.work()
        assert bench.replies[request].answer == Done()
        assert tree.tip.height == height
    # What moves nothing is answered at once.
    assert bench.ask(c.ReconsiderBlock(BLOCKS[1].hash)) == Done()


def test_a_mark_is_answered_when_the_mempool_has_what_came_back():
    """Whoever asks for a block next has it in there."""
    bench = funded()
    payment = spend_coin(bench, 1)
    bench.ask(c.SubmitTransaction(payment))
    bench.ask(c.Generate(1, NOBODY))
    tree, pool = bench.node.view.tree, bench.node.view.mempool
    tip, height = tree.tip.hash, tree.tip.height
    bench.is_working = False
    bench.held.clear()
    request = bench.command(c.InvalidateBlock(tip))
    while not any(isinstance(effect, VerifyTransaction) for effect in bench.held):
        event = bench.perform(bench.held.pop(0))
        if event is not None:
            bench.handle(event)
    assert tree.tip.height == height - 1 and request not in bench.replies
    bench.work()
    assert bench.replies[request].answer == Done() and payment.txid in pool


def test_a_mark_that_the_worker_cannot_follow_is_an_error():
    bench = Bench()
    for block in BLOCKS:
        bench.ask(c.SubmitBlock(raw(block)))
    bench.is_working = False
    waiting = bench.command(c.InvalidateBlock(BLOCKS[1].hash))
    bench.handle(WorkFailed("Activate", "disk full"))
    later = bench.command(c.ReconsiderBlock(BLOCKS[1].hash))
    assert all("disk full" in bench.replies[request].answer.text for request in (waiting, later))


def test_a_long_poll_is_answered_when_the_tip_moves_and_not_before():
    bench = Bench()
    tip = bench.node.view.tree.tip.hash
    held = bench.command(c.AwaitTemplate(tip, 0))
    bench.wait(200 * SECOND_US)
    assert held not in bench.replies
    assert bench.ask(c.SubmitBlock(raw(BLOCKS[0]))) == BlockVerdict()
    assert bench.replies[held].answer == Done()
    # A tip that is no more is answered at once.
    assert bench.ask(c.AwaitTemplate(tip, 0)) == Done()


def test_long_polls_are_bounded_and_end_at_the_stop():
    bench = Bench()
    tip = bench.node.view.tree.tip.hash
    held = [bench.command(c.AwaitTemplate(tip, 0)) for _ in range(LONG_POLLS_MAX + 1)]
    assert [request in bench.replies for request in held] == [True] + [False] * LONG_POLLS_MAX
    bench.ask(c.Stop())
    assert all(bench.replies[request].answer.reason is Reason.NO_TEMPLATE for request in held[1:])


def test_an_invalid_block_and_its_children_are_refused_by_reason():
    bench = Bench()
    first = bench.ask(c.SubmitBlock(raw(BAD)))
    assert first.refusal not in ("", "inconclusive", "duplicate")
    assert bench.ask(c.SubmitBlock(raw(BAD))) == BlockVerdict("duplicate-invalid")


def test_two_rivals_at_once_are_both_answered():
    bench = Bench(is_working=False)
    one, two = bench.command(c.SubmitBlock(raw(BLOCKS[0]))), bench.command(c.SubmitBlock(raw(RIVALS[0])))
    bench.work()
    assert [bench.replies[request].answer.refusal for request in (one, two)] == ["", "inconclusive"]


def test_generate_orders_do_not_mine_beside_each_other():
    bench = Bench(is_working=False)
    one, two = bench.command(c.Generate(1, NOBODY)), bench.command(c.Generate(2, NOBODY))
    bench.work()
    assert [len(bench.replies[request].answer.blocks) for request in (one, two)] == [1, 2]
    assert bench.node.view.tree.tip.height == 3
    assert bench.ask(c.Generate(0, NOBODY)) == bench.ask(c.Generate(-1, NOBODY)) == Mined(())


def test_an_order_that_comes_while_a_block_is_on_its_way_waits_for_it():
    bench = Bench(is_working=False)
    one = bench.command(c.Generate(1, NOBODY))
    while not any(isinstance(effect, StoreBlock) for effect in bench.held):
        event = bench.perform(bench.held.pop(0))
        if event is not None:
            bench.handle(event)
    two = bench.command(c.Generate(1, NOBODY))
    bench.work()
    assert [len(bench.replies[request].answer.blocks) for request in (one, two)] == [1, 1]
    assert bench.node.view.tree.tip.height == 2
    assert len([effect for effect in bench.seen if isinstance(effect, StoreBlock)]) == 2


def test_a_transaction_without_coins_is_refused():
    bench = Bench()
    reply = bench.replies[bench.command(c.SubmitTransaction(STRAY))]
    assert reply.answer.reason in (Reason.COINS_MISSING, Reason.TRANSACTION_REFUSED)


def test_two_who_submit_one_transaction_hear_the_same():
    bench = Bench(is_working=False)
    one, two = bench.command(c.SubmitTransaction(STRAY)), bench.command(c.SubmitTransaction(STRAY))
    bench.work()
    assert isinstance(bench.replies[one].answer, Refused)
    assert bench.replies[one].answer == bench.replies[two].answer


def test_a_failed_worker_answers_those_who_wait_and_those_who_come():
    bench = Bench()
    bench.is_working = False
    waiting = [bench.command(command) for command in (c.SubmitBlock(raw(BLOCKS[0])), c.Generate(1, NOBODY))]
    waiting.append(bench.command(c.SubmitTransaction(STRAY)))
    bench.handle(WorkFailed("StoreBlock", "disk full"))
    later = [bench.command(command) for command in (c.Generate(1, NOBODY), c.SubmitBlock(raw(BLOCKS[1])))]
    assert all("disk full" in bench.replies[request].answer.text for request in waiting + later)


def test_spent_outputs_that_do_not_match_the_inputs_are_refused():
    bench = Bench()
    bench.ask(c.CreateWallet(b""))
    assert bench.replies[bench.command(c.SignTransaction(STRAY, ()))].answer.reason is Reason.INVALID


EVERY = [
    c.AddNode(NodeAddress("127.0.0.1", 5)),
    c.AddNode(NodeAddress("127.0.0.1", 6), permanent=False),
    c.RemoveNode(NodeAddress("127.0.0.1", 5)),
    c.DisconnectNode(1),
    c.SetBan("127.0.0.1", 2_000_000_000),
    c.SetBan("nonsense", 1),
    c.ClearBan("127.0.0.1"),
    c.ClearBan(),
    c.PingPeers(),
    c.FindPeer(ADDRESSEE),
    c.FindPeer(SELF.peer_id.multihash),
    c.Tell(ADDRESSEE, "hello"),
    c.Tell(ADDRESSEE, "two\nlines"),
    c.PutRecord("status", "", b"here"),
    c.SignRecord(b"nonsense"),
    c.ProposeAdmission((), ("Bank",)),
    c.ApproveAdmission(1),
    c.AcknowledgeEvidence(1),
    c.ProposeMembers(removed=("Bank",)),
    c.ApproveMembers("00000000"),
    c.HoldSigningKey(b"k" * 32, None),
    c.ProposeSettings((("mempool_mb", "50"),)),
    c.ApproveSettings("00000000"),
    c.TakeOver(),
    c.ProposeRecovery(removed=("Bank",)),
    c.SignRecovery(RecoveryFile(LOCKED_STATEMENT), signs=True),
    *[c.SubmitBlock(raw(block)) for block in (*BLOCKS, *RIVALS, BAD)],
    c.InvalidateBlock(BLOCKS[0].hash),
    c.InvalidateBlock(NETWORK.genesis.hash),
    c.ReconsiderBlock(BLOCKS[0].hash),
    c.SubmitTransaction(STRAY),
    c.Generate(2, NOBODY),
    c.AbortGenerate(),
    c.SetMining(NOBODY),
    c.SetMining(None),
    c.CreateWallet(b""),
    c.CreateWallet(b"short", passphrase="secret"),
    c.CreateWallet(b"", passphrase="secret"),
    c.CreateWallet(b"", mnemonic="abandon"),
    c.NewAddress("label"),
    c.Unlock("secret"),
    c.Unlock("wrong"),
    c.Lock(),
    c.Pay((TxOut(10_000, NOBODY),)),
    c.Pay(()),
    c.AbandonTransaction(STRAY.txid),
    c.SignTransaction(STRAY, (None,)),
    c.SignTransaction(STRAY, ()),
    c.RescanWallet(0),
    c.SetNetworkActive(False),
    c.SetNetworkActive(True),
    c.SubmitHeader(BLOCKS[0].header),
    c.SubmitHeader(BLOCKS[3].header),
    c.WaitForTip(NETWORK.genesis.hash, 3 * SECOND_US),
    c.WaitForTip(b"another" * 4 + b"tip.", 3 * SECOND_US),
    c.WaitForFinal(STRAY.txid, 3 * SECOND_US),
    c.WaitForChain(),
    c.PreferBlock(RIVALS[0].hash),
    c.PreferBlock(b"?" * 32),
    c.SaveMempool(),
    c.PrioritiseTransaction(STRAY.txid, 100),
    c.SubmitPackage((STRAY, STRAY_CHILD)),
    c.AwaitTemplate(NETWORK.genesis.hash, 0),
    c.GenerateBlock(NOBODY, ()),
    c.GenerateBlock(NOBODY, (), submits=False),
    c.SetMockTime(-1),
    c.SetMockTime(0),
    c.MockScheduler(60),
    c.AddPeerAddress(NodeAddress("127.0.0.1", 8)),
    c.AddPeerAddress(NodeAddress("127.0.0.1", 8), is_tried=True),
    c.AddConnection(NodeAddress("127.0.0.1", 9), "outbound-full-relay"),
    c.AddConnection(NodeAddress("127.0.0.1", 9), "nonsense"),
    c.SendMessage(1, "hello", b"world"),
    c.SendMessage(77, "hello", b"world"),
]
ANY = st.sampled_from(EVERY)
STEPS = st.lists(st.one_of(ANY, st.sampled_from(["work one", "work", "wait", "disk fails", "disk works"])), max_size=40)


def test_no_command_is_left_out():
    assert {type(command) for command in EVERY} | {c.Stop} == set(get_args(c.Command))


@given(STEPS, st.sampled_from(["stop", "failure"]))
@settings(max_examples=150, deadline=None)
def test_any_history_answers_every_command_exactly_once(script, end):
    bench = Bench(is_working=False, network=LETTERS, identity=SELF)
    bench.connect(1)
    asked = {}
    for step in script:
        if step == "work one" and bench.held:
            event = bench.perform(bench.held.pop(0))
            if event is not None:
                bench.handle(event)
        elif step == "work":
            bench.work()
        elif step == "wait":
            bench.wait(5 * SECOND_US)
        elif step in ("disk fails", "disk works"):
            bench.save_error = "disk full" if step == "disk fails" else ""
        elif not isinstance(step, str):
            asked[bench.command(step)] = step
    if end == "failure":
        bench.held = [
            effect for effect in bench.held if not isinstance(effect, StoreBlock | Activate | ReadBlock | Reply)
        ]
        bench.handle(WorkFailed("StoreBlock", "disk full"))
        bench.work()
    bench.command(c.Stop())
    # What the disk owes an answer to is answered first.
    bench.work()
    assert set(bench.replies) == set(range(1, bench.next_request))
    for request, command in asked.items():
        assert isinstance(bench.replies[request].answer, command.answer | Refused)
    assert len(bench.take(Shutdown)) == 1
