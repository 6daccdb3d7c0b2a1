"""The TXT record of an announcement, written and read; zeroconf itself is tested between two nodes."""

import pytest
import trio
from zeroconf import ServiceInfo

from minicoin.core.events import AddressesFound
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import MDNS_ADDRESSES_PER_PEER_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers import mdns
from minicoin.drivers.mdns import SERVICE, Mdns, encode_txt, read_announcement

PEER = Identity.from_number(1).peer_id
OURS = "00112233aabbccdd"


def test_only_addresses_that_can_be_dialled_are_read() -> None:
    text = encode_txt(
        [
            f"dnsaddr=/ip4/192.168.1.2/tcp/4001/p2p/{PEER}",
            f"dnsaddr=/ip6/fd00::2/tcp/4001/p2p/{PEER}",
            f"dnsaddr=/ip4/192.168.1.2/udp/4001/quic-v1/p2p/{PEER}",
            f"dnsaddr=/dns4/evil.example/tcp/4001/p2p/{PEER}",
            "dnsaddr=/ip4/192.168.1.2/tcp/4002",
            "dnsaddr=garbage",
            "other=1",
        ]
    )
    assert read_announcement(text, OURS) == [
        NodeAddress("192.168.1.2", 4001, PEER.multihash),
        NodeAddress("fd00::2", 4001, PEER.multihash),
    ]


def test_another_networks_nodes_are_left_alone() -> None:
    address = f"dnsaddr=/ip4/192.168.1.2/tcp/4001/p2p/{PEER}"
    assert len(read_announcement(encode_txt([address, f"minicoin={OURS}"]), OURS)) == 1
    assert read_announcement(encode_txt([address, "minicoin=ffeeddccbbaa9988"]), OURS) == []
    assert read_announcement(encode_txt([address]), OURS) != []


def test_what_one_announcement_may_bring_is_bounded() -> None:
    texts = [f"dnsaddr=/ip4/192.168.1.2/tcp/{port}/p2p/{PEER}" for port in range(1, 100)]
    assert len(read_announcement(encode_txt(texts), OURS)) == MDNS_ADDRESSES_PER_PEER_MAX


def test_a_damaged_record_is_read_as_far_as_it_goes() -> None:
    whole = encode_txt([f"dnsaddr=/ip4/192.168.1.2/tcp/4001/p2p/{PEER}"])
    for size in range(len(whole)):
        assert read_announcement(whole[:size], OURS) == []
    assert read_announcement(b"\xff" * 300, OURS) == []


def test_strings_too_long_for_a_record_are_left_out() -> None:
    assert encode_txt(["a" * 256, "b"]) == b"\x01b"


def failure_of(host: str) -> list[str]:
    """Why a node that listens there cannot search the link."""
    node = Mdns([NodeAddress(host, 4001, PEER.multihash)], bytes(32), lambda event: None, lambda: Micros(0))
    reasons: list[str] = []
    trio.run(node.run, reasons.append)
    return reasons


def test_an_address_that_no_interface_has_any_more_is_a_word_and_not_the_end() -> None:
    assert failure_of("2001:db8::5") == ["No adapter found for IP address 2001:db8::5"]


def test_a_link_that_is_gone_before_the_announcement_is_taken_back_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class GoneLink:
        def __init__(self, interfaces: list[str]) -> None:
            """Nothing is opened."""

        def register_service(self, service: object, *, strict: bool) -> None:
            raise OSError("network is down")

        def close(self) -> None:
            raise OSError("network is down")

    monkeypatch.setattr(mdns, "Zeroconf", GoneLink)
    assert failure_of("127.0.0.1") == ["network is down"]


def test_what_is_announced_under_no_name_of_a_service_is_left_and_the_next_one_heard() -> None:
    class Link:
        def get_service_info(self, type_: str, name: str, timeout: int) -> ServiceInfo:
            # As zeroconf has it: the name is judged when the question is put together.
            text = encode_txt([f"dnsaddr=/ip4/192.168.1.2/tcp/4001/p2p/{PEER}"])
            return ServiceInfo(type_, name, properties=text)

    heard: list[AddressesFound] = []
    node = Mdns([], bytes(32), heard.append, lambda: Micros(0))
    for name in ("x.", f"peer.{SERVICE}"):
        node.add_service(Link(), SERVICE, name)
    assert [event.origin for event in heard] == ["peer"]
