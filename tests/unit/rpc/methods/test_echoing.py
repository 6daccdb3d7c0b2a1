def test_arguments_come_back(rpc) -> None:
    assert rpc("echo") == []
    assert rpc("echo", 0, "one", [2], {"three": None}) == [0, "one", [2], {"three": None}]
    assert rpc.named("echojson", arg1=1, arg3=3) == [None, 1, None, 3]
    assert rpc("echo", None, 2, None) == [None, 2, None]
    assert rpc.named("echo", arg2=None) == [None] * 3
    assert rpc.refusal("echo", *range(11))[0] == -1


def test_what_is_not_kept_is_empty(rpc) -> None:
    assert rpc("getindexinfo") == rpc("getindexinfo", "txindex") == {}
    assert rpc("getzmqnotifications") == []
