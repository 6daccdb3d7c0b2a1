from minicoin.core.answers import TipAt
from minicoin.core.commands import Generate, WaitForTip
from minicoin.core.units import SECOND_US


def mine_later(caller, seconds: int = 1) -> None:
    world = caller.port.world
    world.queue.at(world.now + seconds * 1_000_000, lambda _, __: world.command(caller.port.host, Generate(1, b"\x51")))


def test_a_wait_ends_with_the_block(rpc) -> None:
    mine_later(rpc)
    found = rpc("waitfornewblock")
    assert found == {"hash": rpc("getbestblockhash"), "height": 1}


def test_what_is_there_already_is_not_waited_for(rpc) -> None:
    before = rpc.port.world.now
    tip = {"hash": rpc("getbestblockhash"), "height": 0}
    assert rpc("waitforblock", tip["hash"]) == tip
    assert rpc("waitforblockheight", 0) == tip
    assert rpc("waitfornewblock", 0, "11" * 32) == tip
    assert rpc.port.world.now == before


def test_patience_ends_with_the_tip_as_it_is(rpc) -> None:
    before = rpc.port.world.now
    found = rpc("waitforblockheight", 5, 90_000)
    assert found == {"hash": rpc("getbestblockhash"), "height": 0}
    assert rpc.port.world.now - before == 90_000_000
    assert rpc("waitforblock", "11" * 32, 5) == found
    for method, arguments in (
        ("waitfornewblock", []),
        ("waitforblock", ["11" * 32]),
        ("waitforblockheight", [5]),
    ):
        assert rpc.refusal(method, *arguments, -1) == (-1, "Negative timeout")


def test_blocks_in_between_do_not_end_the_wait(rpc) -> None:
    for second in (1, 2, 3):
        mine_later(rpc, second)
    assert rpc("waitforblockheight", 3)["height"] == 3


def test_the_end_of_the_node_ends_every_wait(rpc) -> None:
    world, host = rpc.port.world, rpc.port.host
    tip = host.tip
    request = world.command(host, WaitForTip(tip, 10**12))
    assert not world.wait(SECOND_US, lambda: request in host.replies)
    rpc("stop")
    assert host.replies[request].answer == TipAt(tip, 0)


def test_the_chain_has_caught_up_with_what_was_asked(rpc) -> None:
    blocks = rpc("generatetodescriptor", 3, "raw(51)")
    rpc("invalidateblock", blocks[0])
    assert rpc("syncwithvalidationinterfacequeue") is None
    assert rpc("getblockcount") == 0
