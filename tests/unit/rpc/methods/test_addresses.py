from minicoin.core.primitives.address import NodeAddress, TimedAddress


def test_the_book_is_counted_and_laid_open(rpc) -> None:
    world, book = rpc.port.world, rpc.port.host.node.view.book
    assert rpc("getaddrmaninfo")["all_networks"] == {"new": 0, "tried": 0, "total": 0}
    now = world.now // 1_000_000
    known = [NodeAddress(host, 7000) for host in ("10.0.0.1", "10.1.0.1", "2001:db8::1")]
    book.add([TimedAddress(address, 9, now) for address in known], None, world.now)
    book.mark_good(known[0], world.now)
    info = rpc("getaddrmaninfo")
    assert list(info) == ["ipv4", "ipv6", "onion", "i2p", "cjdns", "all_networks"]
    assert info["ipv4"] == {"new": 1, "tried": 1, "total": 2}
    assert info["ipv6"] == {"new": 1, "tried": 0, "total": 1}
    assert info["onion"] == {"new": 0, "tried": 0, "total": 0}
    assert info["all_networks"] == {"new": 2, "tried": 1, "total": 3}
    raw = rpc("getrawaddrman")
    (place, row), *more = raw["tried"].items()
    assert not more
    bucket, position = map(int, place.split("/"))
    assert 0 <= bucket < 256 and 0 <= position < 64
    assert row == {"address": "10.0.0.1", "port": 7000, "services": 9, "time": now, "network": "ipv4"}
    assert sorted(each["address"] for each in raw["new"].values()) == ["10.1.0.1", "2001:db8::1"]
