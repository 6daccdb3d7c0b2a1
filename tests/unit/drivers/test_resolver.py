"""What the resolver reads from people; its questions are tested with a real server."""

import pytest

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.interfaces import reachable_hosts
from minicoin.drivers.resolver import parse_nameserver, parse_seed


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
