"""Five banks as processes over libp2p: payments are final, one may be killed, two may not, and nothing final is undone.

How fast they are is measured by `make bench`, and held in virtual time by tests/unit/node/test_virtual_banks.
"""

from collections.abc import Iterator
from itertools import pairwise, permutations

import pytest
from tests.soak import times
from tests.waiting import wait_until

from .bank_processes import Consortium, Watch, running


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    """Whoever kills some starts them again."""
    made = Consortium(tmp_path_factory.mktemp("five") / "banks", None, 5, 5)
    with running(made):
        yield made


def test_payments_are_final_and_kills_undo_nothing(five: Consortium) -> None:
    watch = Watch()
    payments = [(payer, payer.pay(payee)) for payer, payee in permutations(five.banks, 2)]
    top = max(payer.wait_final(payment) for payer, payment in payments)
    wait_until(lambda: all(bank.height >= top for bank in five.banks), "all banks have all payments")
    watch.check(five.up)

    # The leader is killed with a payment pending.
    name = five.banks[0].call("getconsensusinfo")["proposer"]["name"]
    leader = next(bank for bank in five.banks if bank.name == name)
    leader.kill()
    first, second, third, fourth = five.up
    first.wait_final(first.pay(second))
    watch.check(five.up)
    wait_until(lambda: "one more failure halts" in first.warnings, "it is said")

    # A second one: no block, and the status says why.
    fourth.kill()
    wait_until(lambda: "no quorum: 3 of 5" in first.warnings, "the halt is said")
    waiting = second.pay(third)
    shown = first.call("getconsensusinfo")
    assert not shown["has_quorum"]
    assert {row["name"] for row in shown["members"] if not row["here"]} == {leader.name, fourth.name}
    height = first.height
    wait_until(lambda: first.call("getconsensusinfo")["round"] >= 0, "they try")
    assert first.height == height

    # One is back, and it goes on by itself; then the other.
    fourth.start()
    assert second.wait_final(waiting) > height
    leader.start()
    for bank in (fourth, leader):
        bank.wait_up()
    top = leader.wait_final(leader.pay(first))
    wait_until(lambda: all(bank.height >= top for bank in five.banks), "all banks are together again")
    wait_until(lambda: not first.warnings, "all is well")
    watch.check(five.up)


def test_all_banks_are_killed_at_once_and_go_on(five: Consortium) -> None:
    watch = Watch()
    for _ in range(times(1)):
        paid = [(payer, payer.pay(payee)) for payer, payee in pairwise(five.banks)]
        for bank in five.banks:
            bank.kill()
        for bank in five.banks:
            bank.start()
        for bank in five.banks:
            bank.wait_up()
        watch.check(five.up)
        # A payment that its bank still has is final in the end; so is a new one.
        first, second, *_ = five.banks
        top = max(payer.wait_final(payment) for payer, payment in [*paid, (first, first.pay(second))])
        wait_until(lambda top=top: all(bank.height >= top for bank in five.banks), "all banks are together again")
    watch.check(five.up)
