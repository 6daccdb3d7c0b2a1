"""Who a node is and whom it talks to, over libp2p: addresses as people paste them, identities, refusals in words."""

import base64
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.ports import free_ports
from tests.waiting import wait_until_async

from minicoin.app.build import Bind, NodeSetup
from minicoin.app.identity import IDENTITY_FILE
from minicoin.app.visit import visit
from minicoin.core.commands import AddPeerAddress, ClearBan, Generate, SetBan
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import join_address, parse_node_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.notices import InboundLost, PeerRefused, PeerUnreachable
from minicoin.core.params.builtin import REGTEST, lookup
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.resolver import Resolver
from minicoin.drivers.transport import TransportKind

from .forked import refusal, running
from .node_under_test import NodeUnderTest, running_setup
from .processes import called

NETWORK = "regtest"
OTHER_ID = Identity.from_number(99).peer_id
SCRIPT = b"\x51"
FAR_FUTURE_S = 4_000_000_000


def setup(directory: Path, number: int, *dialled: str, network=REGTEST, **policy) -> NodeSetup:
    addresses = tuple(parse_node_address(text, 1) for text in dialled)
    return NodeSetup(
        network,
        directory / str(number),
        NodePolicy(add_nodes=addresses, inbound_trickle_us=1, outbound_trickle_us=1, **policy),
        (Bind("127.0.0.1", 0),),
        identity=Identity.from_number(number),
    )


def pasted(node: NodeUnderTest) -> str:
    """The address as the node prints it."""
    return join_address(NodeAddress("127.0.0.1", node.port, node.core.view.policy.peer_id))


def address_of(node: NodeUnderTest) -> NodeAddress:
    return parse_node_address(pasted(node), 1)


def ready(node: NodeUnderTest) -> set[bytes]:
    return {session.remote.peer_id for session in node.core.view.sessions.values() if session.is_ready}


def id_of(number: int) -> bytes:
    return Identity.from_number(number).peer_id.multihash


def test_three_nodes_joined_by_pasted_addresses_agree(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running_setup(setup(tmp_path, 1)) as one,
            # The second is given the name that /p2p had before.
            running_setup(setup(tmp_path, 2, pasted(one).replace("/p2p/", "/ipfs/"))) as two,
            running_setup(setup(tmp_path, 3, pasted(two))) as three,
        ):
            nodes = (one, two, three)
            await wait_until_async(lambda: id_of(1) in ready(two) and id_of(2) in ready(three), "the connections")
            await one.ask(Generate(3, SCRIPT))
            await wait_until_async(lambda: {node.height for node in nodes} == {3}, "three blocks everywhere")
            await three.ask(Generate(1, SCRIPT))
            await wait_until_async(lambda: {node.tip for node in nodes} == {three.tip}, "the third's block")

            # addrv2 carries addresses with their peer ids: the first and the third, told of the second only, meet.
            await wait_until_async(lambda: id_of(3) in ready(one) and id_of(1) in ready(three), "whom gossip named")
            books = [(one, three), (three, one)]
            known = [there for here, there in books if here.core.view.book.find(address_of(there)) is not None]
            assert known

    trio.run(main)


def test_an_address_of_the_book_is_held_to_its_peer_id(tmp_path: Path) -> None:
    """Gossip that puts somebody else's address under a peer id leads nowhere."""

    async def main() -> None:
        async with running_setup(setup(tmp_path, 1)) as one, running_setup(setup(tmp_path, 2)) as two:
            lie = parse_node_address(pasted(one).rsplit("/", 1)[0] + f"/{OTHER_ID}", 1)
            await two.ask(AddPeerAddress(lie))
            ours = one.core.view.policy.peer_id
            expected = f"expected peer {OTHER_ID} and found {text_of(ours)}"
            await wait_until_async(lambda expected=expected: expected in two.reasons(PeerUnreachable), "the refusal")
            assert not two.core.view.sessions
            await wait_until_async(lambda: bool(one.reasons(InboundLost)), "the other end's account")

    trio.run(main)


def text_of(peer_id: bytes) -> str:
    return str(PeerId(peer_id))


def _refusal(theirs: Network, ours: Network) -> str:
    there, here = (network.network_id.hex()[:16] for network in (theirs, ours))
    return f"the peer runs other rules: {there}, ours: {here}; compare the network files"


def test_another_network_is_refused_in_words_on_both_ends(tmp_path: Path) -> None:
    async def main() -> None:
        other = replace(REGTEST, spacing_s=REGTEST.spacing_s + 1)
        assert other.protocol_id != REGTEST.protocol_id
        async with (
            running_setup(setup(tmp_path, 1)) as one,
            running_setup(setup(tmp_path, 2, pasted(one), network=other)) as two,
        ):
            expected = _refusal(REGTEST, other)
            await wait_until_async(
                lambda expected=expected: expected in two.reasons(PeerUnreachable), "the dialler's account"
            )
            expected = _refusal(other, REGTEST)
            await wait_until_async(
                lambda expected=expected: expected in one.reasons(InboundLost), "the account of who was dialled"
            )
            assert not one.core.view.sessions
            assert not two.core.view.sessions

    trio.run(main)


def test_a_ban_of_a_peer_id_holds_whatever_the_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running_setup(setup(tmp_path, 1)) as one,
            running_setup(setup(tmp_path, 2, pasted(one))) as two,
        ):
            await wait_until_async(lambda: id_of(2) in ready(one), "the connection")
            await one.ask(SetBan(text_of(id_of(2)), FAR_FUTURE_S))
            await wait_until_async(lambda: not one.core.view.sessions, "its end")
            expected = "banned: by the operator"
            await wait_until_async(
                lambda expected=expected: expected in one.reasons(PeerRefused), "the refusal of the next dial"
            )
            (ban,) = one.core.view.connections.bans.listing()
            assert ban.subject == f"p2p/{text_of(id_of(2))}"
            await one.ask(ClearBan(f"/p2p/{text_of(id_of(2))}"))
            await wait_until_async(lambda: id_of(1) in ready(two), "the connection after the ban")

    trio.run(main)


def test_only_allowed_peers_are_let_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running_setup(setup(tmp_path, 1, allowed_peers=(id_of(2),))) as one,
            running_setup(setup(tmp_path, 2, pasted(one))),
            running_setup(setup(tmp_path, 3, pasted(one))),
        ):
            await wait_until_async(lambda: bool(one.reasons(PeerRefused)), "the refusal")
            await wait_until_async(lambda: ready(one) == {id_of(2)}, "the one that is allowed")
            assert set(one.reasons(PeerRefused)) == {"not one of the allowed peers"}

    trio.run(main)


def test_bitcoin_networks_see_no_peer_ids_even_over_libp2p(tmp_path: Path) -> None:
    network = lookup("bitcoin-regtest")

    async def main() -> None:
        first = replace(setup(tmp_path, 1, network=network), transport=TransportKind.LIBP2P)
        async with running_setup(first) as one:
            second = replace(setup(tmp_path, 2, pasted(one), network=network), transport=TransportKind.LIBP2P)
            sent = []
            gossip = one.core.view.gossip
            original = gossip.on_getaddr
            gossip.on_getaddr = lambda *question: sent.append(original(*question)) or sent[-1]
            async with running_setup(second) as two:
                await wait_until_async(lambda: id_of(1) in ready(two), "the connection")
                await wait_until_async(lambda: bool(sent), "an answer to getaddr")
                addresses = [timed.address for effects in sent for e in effects for timed in e.message.addresses]
                assert not any(address.peer_id for address in addresses)

    trio.run(main)


# --- visits ---


def complaint(address: NodeAddress) -> str:
    with pytest.raises(MisuseError) as raised:
        trio.run(visit, address, 1, "/visitor/", Resolver())
    assert "\n" not in str(raised.value)
    return str(raised.value)


def in_thread(function: Callable[..., object], *arguments: object):
    return trio.to_thread.run_sync(function, *arguments)


def test_a_visitor_learns_who_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_setup(setup(tmp_path, 1)) as one:
            address = parse_node_address(pasted(one), 1)
            seen = await visit(address, 3, "/visitor/", Resolver())
            assert seen.peer_id.multihash == id_of(1)
            assert seen.description.agent_version == NodePolicy().user_agent
            assert REGTEST.protocol_id in seen.description.protocols
            assert [str(one) for one in seen.description.listen_addresses] == [f"/ip4/127.0.0.1/tcp/{one.port}"]
            assert len(seen.rtts_us) == 3
            assert all(rtt is not None and rtt > 0 for rtt in seen.rtts_us)
            anonymous = await visit(NodeAddress("127.0.0.1", one.port), 1, "/visitor/", Resolver())
            assert anonymous.peer_id.multihash == id_of(1)
            wrong = NodeAddress("127.0.0.1", one.port, OTHER_ID.multihash)
            told = await in_thread(complaint, wrong)
            assert told.endswith(f"expected peer {OTHER_ID} and found {text_of(id_of(1))}")
            assert not one.core.view.sessions

    trio.run(main)


def test_a_visitor_says_what_is_wrong(tmp_path: Path) -> None:
    async def main() -> None:
        plain = replace(setup(tmp_path, 1), transport=TransportKind.PLAIN)
        async with running_setup(plain) as one:
            told = await in_thread(complaint, NodeAddress("127.0.0.1", one.port))
            assert "is it a libp2p peer?" in told
        (nobodys,) = free_ports(1)
        assert "refused" in await in_thread(complaint, NodeAddress("127.0.0.1", nobodys))

    trio.run(main)


# --- the command line ---


def command(words: str) -> tuple[int, str, str]:
    done = called(words, NETWORK)
    return done.exit_code, done.stdout, done.stderr


def start(directory: Path, name: str, options: str, log: str = "log") -> tuple[str, str, Path]:
    line = f"minicoin startnode --network {NETWORK} --datadir {directory / name} --rpcport 0 -l 0 {options}"
    return line, NETWORK, directory / f"{name}.{log}"


def test_an_identity_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    told = f"--datadir {tmp_path / 'a'}"
    code, _, error = command(f"net id {told}")
    assert (code, error.count("\n")) == (1, 1)
    assert "has no identity yet" in error
    seen = []
    for _ in range(2):
        with running(*start(tmp_path, "a", "")) as node:
            seen.append(node.address.rsplit("/", 1)[1])
            shown = json.loads(command(f"net id --json {told}")[1])
            assert shown == {"peerid": seen[-1], "multiaddrs": [node.address]}
            visited = json.loads(command(f"net ping --json --count 2 {node.address.replace('/p2p/', '/ipfs/')}")[1])
            assert (visited["peerid"], visited["address"]) == (seen[-1], node.address)
            assert len(visited["rtt_ms"]) == 2
    assert seen[0] == seen[1]
    assert stat.S_IMODE((tmp_path / "a" / IDENTITY_FILE).stat().st_mode) == 0o600
    code, out, _ = command(f"net id {told}")
    assert (code, out.splitlines()[0]) == (0, seen[0])


@pytest.mark.parametrize("option", ["-seed", "--identity-seed"])
def test_a_seed_gives_the_same_identity_wherever(tmp_path: Path, option: str) -> None:
    with running(*start(tmp_path, option.strip("-"), f"{option} 7")) as node:
        assert node.address.endswith(f"/p2p/{Identity.from_number(7).peer_id}")
    assert not (tmp_path / option.strip("-") / IDENTITY_FILE).exists()


@pytest.mark.parametrize("form", ["go", "js"])
def test_a_key_file_of_another_implementation_is_taken_over(tmp_path: Path, form: str) -> None:
    identity = Identity.from_seed(os.urandom(32))
    message = identity.private_message
    key = tmp_path / "key"
    key.write_bytes(message if form == "go" else base64.b64encode(message) + b"\n")
    with running(*start(tmp_path, "a", f"--identity {key}")) as node:
        assert node.address.endswith(f"/p2p/{identity.peer_id}")
    stored = tmp_path / "a" / IDENTITY_FILE
    assert stored.read_bytes() == message
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    # It is this node's from now on, and is not given up for another unasked.
    key.write_bytes(Identity.from_number(1).private_message)
    error = refusal(*start(tmp_path, "a", f"--identity {key}", log="again"))
    assert error.count("\n") == 1
    assert f"{stored} holds the identity {identity.peer_id}; move it away" in error


def test_what_is_no_key_file_is_refused_in_words(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"not a key")
    error = refusal(*start(tmp_path, "a", f"--identity {key}"))
    assert error.count("\n") == 1
    assert f"{key} is no identity file" in error
    assert not (tmp_path / "a" / IDENTITY_FILE).exists()
