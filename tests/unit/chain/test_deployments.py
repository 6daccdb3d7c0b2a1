"""Rules per height: buried heights, mainnet's exceptions, and BIP9 votes walked block by block."""

import dataclasses

import pytest

from minicoin.core.chain.deployments import RuleBook, VoteState
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.encoding.hashes import hash_from_hex
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import NEVER, Buried, Deployments, VersionBits
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader
from minicoin.core.primitives.script_flags import ScriptFlag

VOTE = VersionBits(bit=1, start_time=100, timeout=400, window=10, threshold=8)
SIGNAL = 0x2000_0002
SILENT = 0x2000_0000


def _grow(parent: HeaderNode | None, version: int = SILENT, time: int | None = None) -> HeaderNode:
    previous = ZERO_HASH if parent is None else parent.hash
    height = 0 if parent is None else parent.height + 1
    header = BlockHeader(version, BlockHash(previous), bytes(32), height if time is None else time, 0x207FFFFF, height)
    return HeaderNode(header, parent, 2)


def _at_height(height: int) -> HeaderNode:
    node = _grow(None)
    node.height = height
    return node


def _voting(rule: VersionBits) -> Network:
    return dataclasses.replace(lookup("regtest"), deployments=Deployments(segwit=rule), base_script_flags=1)


class TestBuried:
    def test_own_networks_have_everything_from_block_1(self) -> None:
        rules = RuleBook(lookup("main")).rules_at(_grow(None))
        assert rules.script_flags == ScriptFlag.ALL
        assert (rules.bip34, rules.csv, rules.segwit, rules.taproot, rules.bip30) == (True, True, True, True, False)
        assert rules.height == 1
        assert rules.subsidy_sat == 5 * 10**8
        assert rules.coinbase_maturity == 100

    @pytest.mark.parametrize(
        ("height", "added"),
        [
            (1, ScriptFlag.NONE),
            (363_724, ScriptFlag.NONE),
            (363_725, ScriptFlag.DERSIG),
            (388_381, ScriptFlag.DERSIG | ScriptFlag.CHECKLOCKTIMEVERIFY),
            (419_328, ScriptFlag.DERSIG | ScriptFlag.CHECKLOCKTIMEVERIFY | ScriptFlag.CHECKSEQUENCEVERIFY),
            (481_824, ScriptFlag.ALL),
        ],
    )
    def test_mainnet_flags_grow_with_the_height(self, height: int, added: ScriptFlag) -> None:
        base = ScriptFlag.P2SH | ScriptFlag.WITNESS | ScriptFlag.TAPROOT
        network = dataclasses.replace(lookup("bitcoin"), bip34_hash=None)
        rules = RuleBook(dataclasses.replace(network, deployments=_without_bip34(network))).rules_at(
            _at_height(height - 1)
        )
        assert rules.script_flags == base | added
        assert rules.segwit == (height >= 481_824)

    def test_exceptions_are_keyed_by_block(self) -> None:
        network = lookup("bitcoin")
        book = RuleBook(dataclasses.replace(network, deployments=_without_bip34(network)))
        block = BlockHash(hash_from_hex("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"))
        assert book.rules_at(_at_height(170_059), block).script_flags == ScriptFlag.NONE
        assert book.rules_at(_at_height(170_059)).script_flags != ScriptFlag.NONE
        taproot = BlockHash(hash_from_hex("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"))
        flags = book.rules_at(_at_height(692_260), taproot).script_flags
        assert flags == ScriptFlag.ALL & ~ScriptFlag.TAPROOT

    @pytest.mark.parametrize(
        ("height", "version"), [(227_930, -(1 << 31)), (227_931, 2), (363_724, 2), (363_725, 3), (388_381, 4)]
    )
    def test_minimum_versions_of_mainnet(self, height: int, version: int) -> None:
        assert RuleBook(lookup("bitcoin")).minimum_version(height) == version


def _without_bip34(network: Network) -> Deployments:
    return dataclasses.replace(network.deployments, bip34=NEVER)


class TestBip30:
    def test_is_checked_while_coinbases_can_repeat(self) -> None:
        network = lookup("bitcoin")
        book = RuleBook(network)
        assert book.rules_at(_at_height(5)).bip30
        height, block = network.bip30_exceptions[0]
        assert not book.rules_at(_at_height(height - 1), block).bip30
        assert book.rules_at(_at_height(height - 1), network.genesis.hash).bip30
        assert book.rules_at(_at_height(height), block).bip30

    def test_ends_on_the_chain_that_activated_bip34(self) -> None:
        chain = [_grow(None)]
        for _ in range(20):
            chain.append(_grow(chain[-1]))
        deployments = Deployments(bip34=Buried(7))
        network = dataclasses.replace(lookup("regtest"), deployments=deployments, bip34_hash=chain[7].hash)
        book = RuleBook(network)
        assert [book.rules_at(parent).bip30 for parent in chain[5:10]] == [True, True, False, False, False]
        other = RuleBook(dataclasses.replace(network, bip34_hash=chain[6].hash))
        assert all(other.rules_at(parent).bip30 for parent in chain)


class TestVotes:
    def _states(self, rule: VersionBits, versions: dict[int, int], blocks: int) -> list[VoteState]:
        """The state for each block from 1 on, where block times are ten times heights."""
        book = RuleBook(_voting(rule))
        node = _grow(None, time=0)
        states: list[VoteState] = []
        for height in range(1, blocks + 1):
            states.append(book.vote_state("segwit", rule, node))
            node = _grow(node, versions.get(height, SILENT), time=height * 10)
        # A fresh book, asked only at the end, must agree with one that was asked all the way.
        assert RuleBook(_voting(rule)).vote_state("segwit", rule, node) == book.vote_state("segwit", rule, node)
        return states

    def test_enough_votes_lock_in_and_activate(self) -> None:
        states = self._states(VOTE, dict.fromkeys(range(20, 28), SIGNAL), 45)
        # Median times trail by five blocks: the end of the window at height 9 is too early, that at 19 is not.
        assert states[:19] == [VoteState.DEFINED] * 19
        assert states[19:29] == [VoteState.STARTED] * 10
        assert states[29:39] == [VoteState.LOCKED_IN] * 10
        assert set(states[39:]) == {VoteState.ACTIVE}

    def test_one_vote_short_goes_on_until_the_timeout(self) -> None:
        states = self._states(VOTE, dict.fromkeys(range(20, 27), SIGNAL), 70)
        assert VoteState.LOCKED_IN not in states
        assert states[48] is VoteState.STARTED
        assert set(states[49:]) == {VoteState.FAILED}

    def test_votes_need_the_top_bits(self) -> None:
        states = self._states(VOTE, dict.fromkeys(range(20, 30), 1073741826), 40)
        assert VoteState.LOCKED_IN not in states

    def test_votes_count_before_the_timeout_does(self) -> None:
        rule = dataclasses.replace(VOTE, timeout=101)
        states = self._states(rule, dict.fromkeys(range(20, 30), SIGNAL), 45)
        assert states[39] is VoteState.ACTIVE

    def test_activation_waits_for_its_height(self) -> None:
        rule = dataclasses.replace(VOTE, min_activation_height=60)
        states = self._states(rule, dict.fromkeys(range(20, 30), SIGNAL), 70)
        assert states[58] is VoteState.LOCKED_IN
        assert states[59] is VoteState.ACTIVE

    def test_active_votes_change_the_rules(self) -> None:
        book = RuleBook(_voting(VOTE))
        node = _grow(None, time=0)
        seen: list[tuple[int, int, bool]] = []
        for height in range(1, 42):
            rules = book.rules_at(node)
            seen.append((height, book.template_version(node), rules.segwit))
            assert bool(rules.script_flags & ScriptFlag.NULLDUMMY) == rules.segwit
            assert bool(rules.script_flags & ScriptFlag.WITNESS) == rules.segwit
            node = _grow(node, book.template_version(node), time=height * 10)
        assert [height for height, version, _ in seen if version == SIGNAL] == list(range(20, 40))
        assert [height for height, _, segwit in seen if segwit] == [40, 41]

    def test_branches_have_states_of_their_own(self) -> None:
        book = RuleBook(_voting(VOTE))
        trunk = _grow(None, time=0)
        for height in range(1, 20):
            trunk = _grow(trunk, time=height * 10)
        ends: list[HeaderNode] = []
        for version in (SIGNAL, SILENT):
            node = trunk
            for height in range(20, 30):
                node = _grow(node, version, time=height * 10)
            ends.append(node)
        assert [book.vote_state("segwit", VOTE, end) for end in ends] == [VoteState.LOCKED_IN, VoteState.STARTED]

    def test_simnet_activates_segwit_at_300_when_all_signal(self) -> None:
        network = lookup("btcd-simnet")
        book = RuleBook(network)
        node = HeaderNode(network.genesis.header, None, 2)
        versions: dict[int, int] = {}
        for height in range(1, 320):
            versions[height] = book.template_version(node)
            assert book.rules_at(node).segwit == (height >= 300)
            node = _grow(node, versions[height], time=node.header.time + 1)
        assert versions[99] == SILENT
        assert versions[100] == SILENT | 1 << 0 | 1 << 1 | 1 << 2 | 1 << 28 | 1 << 22
        assert versions[300] == SILENT | 1 << 22


class TestStatus:
    def test_reports_votes_and_buried_heights(self) -> None:
        book = RuleBook(_voting(VOTE))
        node = _grow(None, time=0)
        for height in range(1, 26):
            node = _grow(node, SIGNAL if height >= 22 else SILENT, time=height * 10)
        statuses = {status.name: status for status in book.status(node)}
        assert statuses["taproot"].is_active and statuses["taproot"].height == 0
        segwit = statuses["segwit"]
        assert (segwit.state, segwit.since, segwit.is_active) == (VoteState.STARTED, 20, False)
        assert segwit.votes is not None
        assert (segwit.votes.elapsed, segwit.votes.count, segwit.votes.is_possible) == (6, 4, True)

    def test_says_when_a_threshold_is_out_of_reach(self) -> None:
        book = RuleBook(_voting(VOTE))
        node = _grow(None, time=0)
        for height in range(1, 24):
            node = _grow(node, time=height * 10)
        (segwit,) = (status for status in book.status(node) if status.name == "segwit")
        assert segwit.votes is not None and not segwit.votes.is_possible

    def test_active_deployment_knows_its_height(self) -> None:
        book = RuleBook(_voting(VOTE))
        node = _grow(None, time=0)
        for height in range(1, 75):
            node = _grow(node, SIGNAL, time=height * 10)
        (segwit,) = (status for status in book.status(node) if status.name == "segwit")
        assert (segwit.state, segwit.height, segwit.votes) == (VoteState.ACTIVE, 40, None)
