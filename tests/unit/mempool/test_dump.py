"""The dump keeps own transactions first when not all fit."""

from minicoin.core.mempool.dump import decode_dump, encode_dump


def test_own_packages_come_first(world):
    stranger = world.spend([world.coin()], pad=500)
    parent = world.spend([world.coin()])
    own = world.spend([world.out(parent)], total=parent.outputs[0].value)
    world.accept(stranger)
    world.accept(parent)
    world.accept(own, source=None)
    table = world.pool.table
    untold = world.pool.untold
    whole = encode_dump(table, untold, 10**6)
    assert [dumped.transaction for dumped in decode_dump(whole)] == [stranger, parent, own]
    cut = encode_dump(table, untold, len(whole) - 1)
    assert len(cut) < len(whole)
    kept = [(dumped.transaction, dumped.is_own, dumped.is_unbroadcast) for dumped in decode_dump(cut)]
    assert kept == [(parent, False, False), (own, True, True)]
    world.pool.acknowledge(own.txid)
    told = decode_dump(encode_dump(table, untold, 10**6))[-1]
    assert (told.is_own, told.is_unbroadcast) == (True, False)
    assert decode_dump(encode_dump(table, untold, 0)) == []
