"""What the resolver reads from people; its questions are tested with a real server."""

from pathlib import Path

import dns.resolver
import pytest
import trio

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.node_address import DNSADDR_HOST
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.interfaces import reachable_hosts
from minicoin.drivers.resolver import NameNotFound, Resolver, parse_nameserver, parse_seed, reach


def test_name_servers() -> None:
    assert parse_nameserver("192.0.2.1") == ("192.0.2.1", 53)
    assert parse_nameserver("[::1]:5353") == ("::1", 5353)
    for text in ("", "dns.example", "192.0.2.1:99999"):
        with pytest.raises(MisuseError, match="not a name server"):
            parse_nameserver(text)


@pytest.mark.parametrize("text", ["dnsaddr=seed.test", "/dnsaddr/seed.test", "dnsaddr=/dnsaddr/seed.test"])
def test_seeds_with_whole_addresses(text: str) -> None:
    assert parse_seed(text, 7) == NodeAddress("/dnsaddr/seed.test", 0)


def test_seeds_of_hosts() -> None:
    assert parse_seed("seed.test", 7) == NodeAddress("seed.test", 7)
    with pytest.raises(DecodeError):
        parse_seed("dnsaddr=not a name", 7)


def test_a_listener_on_one_address_is_reached_there_and_one_on_all_never_at_all() -> None:
    assert reachable_hosts("192.0.2.1") == ["192.0.2.1"]
    assert "127.0.0.1" in reachable_hosts("0.0.0.0")
    assert "0.0.0.0" not in reachable_hosts("0.0.0.0")
    assert "::" not in reachable_hosts("::")


class SlowResolver(Resolver):
    """Knows of one endpoint, and of it only when the caller's patience is over."""

    def __init__(self, patience: trio.CancelScope) -> None:
        super().__init__()
        self._patience = patience

    async def resolve(self, address: NodeAddress) -> list[NodeAddress]:
        self._patience.cancel()
        return [address]


def test_who_gives_up_while_a_name_is_looked_up_hears_of_no_other_failure() -> None:
    async def give_up() -> bool:
        with trio.CancelScope() as patience:
            await reach(NodeAddress("127.0.0.1", 1), SlowResolver(patience))
        return patience.cancelled_caught

    assert trio.run(give_up)


def test_time_that_is_over_when_a_name_is_known_is_the_callers_to_tell() -> None:
    async def come_late() -> bool:
        with trio.CancelScope(deadline=0) as patience:
            await reach(NodeAddress("127.0.0.1", 1), Resolver())
        return patience.cancelled_caught

    assert trio.run(come_late)


@pytest.mark.parametrize("configuration", [b"nameserver 10.0.0.1:53\n", b"nameserver here\n", b"search \xff\n"])
def test_a_configuration_of_the_system_that_is_none_is_a_name_not_found(
    configuration: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_bytes(configuration)
    read = dns.resolver.BaseResolver.read_resolv_conf
    monkeypatch.setattr(
        dns.resolver.BaseResolver, "read_resolv_conf", lambda own, _: read(own, str(tmp_path / "resolv.conf"))
    )
    with pytest.raises(NameNotFound, match="cannot be looked up"):
        trio.run(Resolver().resolve, NodeAddress(DNSADDR_HOST + "example.org", 1))
