"""Names through a real DNS server on loopback: /dnsaddr with its TXT records, /dns4, /dns6, and a network's seeds."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.waiting import hang_guard, wait_until_async

from minicoin.app.build import Bind, NodeSetup
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import join_address, parse_node_address
from minicoin.core.limits import DNSADDR_DEPTH_MAX, DNSADDR_QUESTIONS_MAX, RESOLVED_ADDRESSES_MAX
from minicoin.core.notices import PeerUnreachable
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.resolver import Resolver

from .dns_server import DnsServer, dns_server
from .node_under_test import running_setup

NOBODYS = ("127.0.0.1", 1)
"""Reserved, and of no server in use."""
ONE, TWO = (Identity.from_number(number).peer_id for number in (1, 2))


def at(port: int, peer=None, host: str = "192.0.2.1") -> NodeAddress:
    return NodeAddress(host, port, b"" if peer is None else peer.multihash)


def resolve(server: DnsServer, text: str) -> list[NodeAddress]:
    return trio.run(Resolver(server.address).resolve, parse_node_address(text, 1))


def txt(name: str) -> tuple[str, str]:
    return f"_dnsaddr.{name}", "TXT"


RECORDS = {
    txt("a.test"): [
        f"dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/{ONE}",
        f"dnsaddr=/ip4/192.0.2.1/tcp/2/ipfs/{TWO}",
        f"dnsaddr=/ip4/192.0.2.1/udp/3/quic-v1/p2p/{ONE}",
        "dnsaddr=/nonsense/3",
        "v=spf1 -all",
    ],
    txt("deep.test"): [f"dnsaddr=/dnsaddr/a.test/p2p/{TWO}", "dnsaddr=/dns4/host.test/tcp/7"],
    txt("open.test"): ["dnsaddr=/dnsaddr/a.test"],
    ("host.test", "A"): ["192.0.2.9"],
    ("host.test", "AAAA"): ["2001:db8::9"],
}


def test_txt_records_give_addresses_with_peer_ids() -> None:
    with dns_server(RECORDS) as server:
        assert set(resolve(server, "/dnsaddr/a.test")) == {at(1, ONE), at(2, TWO)}
        assert set(resolve(server, "/dnsaddr/A.Test")) == {at(1, ONE), at(2, TWO)}


def test_a_peer_id_chooses_among_them() -> None:
    with dns_server(RECORDS) as server:
        assert resolve(server, f"/dnsaddr/a.test/p2p/{TWO}") == [at(2, TWO)]
        assert resolve(server, f"/dnsaddr/a.test/ipfs/{ONE}") == [at(1, ONE)]
        # Through a name that does not say whom it leads to as well.
        assert resolve(server, f"/dnsaddr/open.test/p2p/{ONE}") == [at(1, ONE)]
        third = Identity.from_number(3).peer_id
        with pytest.raises(OSError, match="leads to no address"):
            resolve(server, f"/dnsaddr/a.test/p2p/{third}")


def test_names_lead_to_names() -> None:
    with dns_server(RECORDS) as server:
        assert set(resolve(server, "/dnsaddr/deep.test")) == {at(2, TWO), at(7, host="192.0.2.9")}


def test_names_in_a_circle_end() -> None:
    circle = {txt("x.test"): ["dnsaddr=/dnsaddr/y.test"], txt("y.test"): ["dnsaddr=/dnsaddr/x.test"]}
    with dns_server(circle) as server:
        with pytest.raises(OSError, match=r"/dnsaddr/x\.test leads to no address"):
            resolve(server, "/dnsaddr/x.test")
        assert len(server.asked) == 2


def test_depth_is_bounded() -> None:
    chain = {txt(f"n{i}.test"): [f"dnsaddr=/dnsaddr/n{i + 1}.test"] for i in range(20)}
    chain[txt(f"n{DNSADDR_DEPTH_MAX - 1}.test")].append(f"dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/{ONE}")
    chain[txt(f"n{DNSADDR_DEPTH_MAX}.test")].append(f"dnsaddr=/ip4/192.0.2.1/tcp/2/p2p/{ONE}")
    with dns_server(chain) as server:
        assert resolve(server, "/dnsaddr/n0.test") == [at(1, ONE)]
        assert len(server.asked) == DNSADDR_DEPTH_MAX


def test_questions_and_addresses_are_bounded() -> None:
    def record(j: int) -> list[str]:
        return [f"dnsaddr=/ip4/192.0.2.1/tcp/{i}/p2p/{ONE}" for i in range(j * 5 + 1, j * 5 + 6)]

    wide = {txt(f"w{j}.test"): record(j) for j in range(100)}
    wide[txt("wide.test")] = [f"dnsaddr=/dnsaddr/w{j}.test" for j in range(100)]
    with dns_server(wide) as server:
        found = resolve(server, "/dnsaddr/wide.test")
        assert len(server.asked) == DNSADDR_QUESTIONS_MAX
        assert len(found) == 5 * (DNSADDR_QUESTIONS_MAX - 1) <= RESOLVED_ADDRESSES_MAX


def test_families() -> None:
    with dns_server(RECORDS) as server:
        assert resolve(server, "/dns4/host.test/tcp/5") == [at(5, host="192.0.2.9")]
        assert resolve(server, f"/dns6/host.test/tcp/5/p2p/{ONE}") == [at(5, ONE, host="2001:db8::9")]
        assert {one.host for one in resolve(server, "/dns/host.test/tcp/5")} == {"192.0.2.9", "2001:db8::9"}
        assert {one.host for one in resolve(server, "host.test:5")} == {"192.0.2.9", "2001:db8::9"}
        with pytest.raises(OSError, match="leads to no address"):
            resolve(server, "/dns4/nobody.test/tcp/5")


def test_a_server_that_does_not_answer_is_an_error_in_words() -> None:
    async def ask() -> None:
        with hang_guard("the error"), pytest.raises(OSError, match="cannot be looked up"):
            await Resolver(NOBODYS).resolve(parse_node_address("/dnsaddr/a.test", 1))

    trio.run(ask)


def setup(directory: Path, number: int, server: DnsServer, network=REGTEST, **policy) -> NodeSetup:
    return NodeSetup(
        network,
        directory / str(number),
        NodePolicy(**policy),
        (Bind("127.0.0.1", 0),),
        identity=Identity.from_number(number),
        nameserver=server.address,
    )


def connected(node, number: int) -> bool:
    wanted = Identity.from_number(number).peer_id.multihash
    return any(session.remote.peer_id == wanted and session.is_ready for session in node.core.view.sessions.values())


def test_a_node_dials_a_dnsaddr_name_and_insists_on_who_it_names(tmp_path: Path) -> None:
    async def main(server: DnsServer) -> None:
        async with running_setup(setup(tmp_path, 1, server)) as one:
            here = f"/ip4/127.0.0.1/tcp/{one.port}/p2p"
            server.records[txt("good.test")] = [f"dnsaddr={here}/{ONE}"]
            server.records[txt("bad.test")] = [f"dnsaddr={here}/{TWO}"]
            names = tuple(parse_node_address(f"/dnsaddr/{name}.test", 1) for name in ("good", "bad"))
            async with running_setup(setup(tmp_path, 3, server, add_nodes=names[1:])) as other:
                expected = f"expected peer {TWO} and found {ONE}"
                await wait_until_async(
                    lambda expected=expected: expected in other.reasons(PeerUnreachable), "the refusal"
                )
                assert not other.core.view.sessions
            async with running_setup(setup(tmp_path, 4, server, add_nodes=names[:1])) as other:
                await wait_until_async(lambda: connected(other, 1) and connected(one, 4), "the connection")

    with dns_server({}) as server:
        trio.run(main, server)


@pytest.mark.parametrize("seed", ["dnsaddr=seed.test", "/dnsaddr/seed.test", "dnsaddr=/dnsaddr/seed.test"])
def test_seeds_feed_the_address_book_with_peer_ids(tmp_path: Path, seed: str) -> None:
    async def main(server: DnsServer) -> None:
        async with running_setup(setup(tmp_path, 1, server)) as one:
            address = join_address(NodeAddress("127.0.0.1", one.port, ONE.multihash))
            server.records[txt("seed.test")] = [f"dnsaddr={address}"]
            network = replace(REGTEST, dns_seeds=(seed,))
            async with running_setup(setup(tmp_path, 2, server, network)) as other:
                await wait_until_async(lambda: connected(other, 1), "a connection to whom the seed named")
                book = other.core.view.book
                assert book.find(NodeAddress("127.0.0.1", one.port, ONE.multihash)) is not None
                assert ("_dnsaddr.seed.test", "TXT") in server.asked

    with dns_server({}) as server:
        trio.run(main, server)
