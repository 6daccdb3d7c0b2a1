"""Node processes that know of each other by a registry alone: they find each other, bear its death, and take it up
again when it is back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.soak import IS_SOAK
from tests.waiting import wait_until

from minicoin.core.libp2p.identity import Identity
from minicoin.drivers.registry.content import read_key
from minicoin.drivers.registry.settings import TlsFiles

from .certificates import Certificates, install
from .consul_server import running_consul
from .etcd_server import running_etcd
from .fleet import network_of
from .forked import ForkedNode
from .zookeeper_server import running_zookeeper

MAX_AGE_S = 2
SERVERS = {"etcd": running_etcd, "consul": running_consul, "zookeeper": running_zookeeper}
# With five nodes that restart, one shows what the nodes do with any; that the kinds are alike is the contract's.
SHOWN = tuple(SERVERS) if IS_SOAK else ("etcd",)


class Member:
    """One member's node, started as often as a test likes, always at one port."""

    def __init__(self, number: int, network: str, registry: str, directory: Path, more: Sequence[str] = ()) -> None:
        self.datadir = directory / f"member{number}"
        self._log = directory / f"member{number}.log"
        self.words = ["--network", network, "--identity-seed", str(number), "-l", str(free_ports(1)[0])]
        self.words += ["--rpcport", "0", "--registry", registry, "--registry-max-age", str(MAX_AGE_S), *more]
        self.peer_id = str(Identity.from_number(number).peer_id)
        self.process = self._start()

    def __repr__(self) -> str:
        return repr(self.process)

    def _start(self) -> ForkedNode:
        return ForkedNode(self.words, self.datadir, self._log)

    def kill(self) -> None:
        self.process.kill()

    def start_again(self) -> None:
        self.process = self._start()

    def call(self, method: str, *params: object):
        return self.process.call(method, *params)

    def peers(self) -> set[str]:
        return {peer["peerid"] for peer in self.call("getpeerinfo") if peer["version"]}

    def registry(self) -> dict:
        return self.call("getnetworkinfo")["registry"]


@contextmanager
def members(count: int, registry: str, directory: Path, *more: str) -> Iterator[list[Member]]:
    plan = network_of("gossip", (), count)
    # The first may warn everybody.
    network = replace(plan.network, alert_keys=(Identity.from_number(1).peer_id.multihash,))
    file = replace(plan, network=network).name_for_nodes(directory)
    found = [Member(number, file, registry, directory, more) for number in range(1, count + 1)]
    try:
        for member in found:
            member.process.wait_up()
        yield found
    finally:
        for member in found:
            member.process.end()
        codes = [member.process.wait() for member in found]
    assert set(codes) == {0}


def wait_all_met(found: Sequence[Member]) -> None:
    everybody = {member.peer_id for member in found}
    for member in found:
        wait_until(lambda member=member: member.peers() == everybody - {member.peer_id}, f"all peers of {member}")


def test_members_find_each_other_in_a_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with members(3, f"file://{shared}", tmp_path) as found:
        wait_all_met(found)
        # Whoever came last may have dialled the others before they looked into the folder again.
        wait_until(lambda: found[0].registry()["nodes_listed"] == 2, "both others in the registry")
        wait_until(lambda: found[0].registry()["announced"], "its own entry")
        told = found[0].registry()
        assert (told["kind"], told["endpoint"]) == ("file", f"file://{shared}")
        assert told["connected_since"] and not told["error"]
    # Who leaves in order takes his entry along.
    assert [path for path in shared.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", SHOWN)
def test_members_outlive_their_registry_and_a_newcomer_joins_after_its_return(kind: str, tmp_path: Path) -> None:
    with SERVERS[kind](tmp_path / "server") as server:
        registry = f"{kind}://{server.endpoint}{server.settings.prefix}"
        with members(5, registry, tmp_path) as found:
            wait_all_met(found)
            wait_until(lambda: len(server.written()) == 5, "five entries")
            for member in found:
                wait_until(lambda member=member: _has_kept(member, 4), f"what {member} keeps")
            server.kill()
            for member in found:
                wait_until(lambda member=member: member.registry()["unreachable_since"], f"{member} to notice")
            for member in found:
                member.kill()
                # Nothing is left but what was kept of the registry.
                (member.datadir / "state" / "peers").unlink(missing_ok=True)
            for member in found:
                member.start_again()
            for member in found:
                member.process.wait_up()
            wait_all_met(found)
            wait_until(lambda: found[0].registry()["unreachable_since"], "that it is missed")
            told = found[0].registry()
            assert (told["connected_since"], told["nodes"], told["nodes_listed"]) == (None, 4, 0)
            assert told["last_heard"] <= told["unreachable_since"] and "does not answer" in told["error"]
            server.start()
            for member in found:
                wait_until(lambda member=member: member.registry()["connected_since"], f"{member} to come back")
            sixth = Member(6, found[0].words[1], registry, tmp_path)
            sixth.process.wait_up()
            found.append(sixth)
            wait_all_met(found)


@pytest.mark.parametrize("kind", SERVERS)
def test_records_stand_in_the_registry_and_what_others_forge_there_changes_nothing(kind: str, tmp_path: Path) -> None:
    with (
        SERVERS[kind](tmp_path / "server") as server,
        members(2, f"{kind}://{server.endpoint}{server.settings.prefix}", tmp_path) as (one, two),
    ):
        wait_all_met([one, two])
        one.call("putrecord", "alert", "upgrade", "please upgrade")
        wait_until(lambda: len(server.written()) == 4, "each member's copy of the record")
        copies = [key for key in server.written() if read_key(key).record]
        assert {key.split("/")[0] for key in copies} == {one.peer_id, two.peer_id}
        assert one.registry()["kind"] == kind
        genuine = server.read(copies[0])
        two.kill()
        forged = genuine.replace(b"please upgrade", b"please retire!")
        stranger = str(Identity.from_number(9).peer_id)
        server.put(f"{stranger}/records/{copies[0].split('/')[-1]}", forged)
        server.put(f"{stranger}/records/none", b"nothing")
        server.put(f"{stranger}/node", b"minicoin node 1\nnetwork 00\naddress /ip4/10.0.0.1/tcp/1\n")
        server.put(f"{stranger}/elsewhere", b"x" * 500_000)
        wait_until(lambda: "records-ignored" in one.process.log, "a warning of the records")
        wait_until(lambda: one.registry()["ignored"] >= 2, "a warning of the rest")
        two.start_again()
        two.process.wait_up()
        wait_all_met([one, two])
        for member in (one, two):
            (warning,) = wait_until(lambda member=member: member.call("getnetworkinfo")["warnings"], "the alert")
            assert warning.endswith(": please upgrade")
        assert genuine == server.read(copies[0])


def test_a_node_has_what_its_operator_gives_it_and_takes_what_replaces_it(tmp_path: Path) -> None:
    ours, theirs = (Certificates(tmp_path / name) for name in ("ours", "theirs"))
    own = TlsFiles(tmp_path / "ca.pem", tmp_path / "node.pem", tmp_path / "node.key")
    install(ours.files(), own)
    words = [f"--registry-ca={own.ca}", f"--registry-cert={own.cert}", f"--registry-key={own.key}"]
    with running_consul(tmp_path / "consul", ours, has_rights=True) as server:
        peer_id = Identity.from_number(1).peer_id
        rules = f"""
            key_prefix "minicoin/" {{ policy = "read" }}
            key_prefix "minicoin/{peer_id}/" {{ policy = "write" }}
            session "{server.agent}" {{ policy = "write" }}
        """
        token = tmp_path / "token"
        token.write_text(server.token(rules) + "\n")
        registry = f"consul://{server.endpoint}/minicoin"
        with members(1, registry, tmp_path, *words, f"--registry-token-file={token}") as (one,):
            wait_until(lambda: server.written() == [f"{peer_id}/node"], "its entry")
            server.kill()
            server.certificates = theirs
            server.start()
            wait_until(lambda: "does not vouch" in one.process.log, "that the server is unknown to it")
            install(theirs.files(), own)
            wait_until(lambda: "registry-files-replaced" in one.process.log, "the new files")
            wait_until(lambda: one.registry()["connected_since"] and one.registry()["announced"], "the registry again")
            assert not one.call("getnetworkinfo")["warnings"]


def _has_kept(member: Member, count: int) -> bool:
    path = member.datadir / "state" / "registry"
    return path.exists() and path.read_text().count(" met ") == count


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--registry", "etcd://127.0.0.1:1"], "names no prefix"),
        (["--registry-user", "bank1"], "registry-ca and its like need a registry"),
        (["--registry", "file:///tmp", "--transport", "tcp"], "needs libp2p"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_word(words: list[str], told: str, tmp_path: Path) -> None:
    node = ForkedNode(["--network", "regtest", *words], tmp_path / "node", tmp_path / "log")
    assert node.wait() == 1
    assert told in node.log
