"""Which rules hold for the next block of a branch: buried heights, BIP9 votes, mainnet's exceptions.

Owns the BIP9 state machine and the versions that templates carry. The engine and the block rules carry out what a
RuleSet says; HeaderTree asks for the version rules.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.limits import VERSION_BITS_CACHE_MAX
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Activation, Buried, VersionBits
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.script_flags import ScriptFlag

VERSION_TOP_BITS: Final = 0x2000_0000
VERSION_TOP_MASK: Final = 0xE000_0000
# Bitcoin Core: from here on, coinbases of the years before BIP34 could repeat (their scripts name heights that high).
_BIP34_IMPLIES_BIP30_LIMIT: Final = 1_983_702


class VoteState(StrEnum):
    """A BIP9 deployment's state, constant over a window."""

    DEFINED = "defined"
    STARTED = "started"
    LOCKED_IN = "locked_in"
    ACTIVE = "active"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules for one block to be connected at `height`."""

    height: int
    script_flags: int
    bip34: bool
    csv: bool
    """BIP68, 112 and 113: relative locks, and lock times against the median time past."""
    segwit: bool
    taproot: bool
    bip30: bool
    """Whether a transaction may not repeat one that has unspent outputs."""
    median_time_past: int
    """Of the parent."""
    subsidy_sat: int
    coinbase_maturity: int


@dataclass(frozen=True, slots=True)
class VoteCount:
    """The votes of the window that is running."""

    window: int
    threshold: int
    elapsed: int
    count: int

    @property
    def is_possible(self) -> bool:
        """Whether the threshold can still be reached in this window."""
        return self.window - self.elapsed >= self.threshold - self.count


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment as of the block behind `parent`, as getdeploymentinfo reports it."""

    name: str
    is_active: bool
    height: int | None
    """The first block it holds for, where that is known."""
    vote: VersionBits | None = None
    state: VoteState | None = None
    since: int = 0
    votes: VoteCount | None = None


class RuleBook:
    """Answers for one network. Caches BIP9 states by window, which changes no answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._deployments = network.deployments
        self._votes = network.deployments.version_bits()
        self._exceptions = dict(network.script_flag_exceptions)
        self._states: dict[tuple[str, BlockHash], VoteState] = {}

    def rules_at(self, parent: HeaderNode, block: BlockHash | None = None) -> RuleSet:
        """The rules for a child of `parent`; `block` is its hash, which the exceptions are keyed by."""
        network, deployments = self._network, self._deployments
        height = parent.height + 1
        csv = self._is_active("csv", deployments.csv, parent)
        segwit = self._is_active("segwit", deployments.segwit, parent)
        taproot = self._is_active("taproot", deployments.taproot, parent)
        flags = int(network.base_script_flags)
        if block is not None and block in self._exceptions:
            flags = int(self._exceptions[block])
        if deployments.bip66.is_active(height):
            flags |= ScriptFlag.DERSIG.value
        if deployments.bip65.is_active(height):
            flags |= ScriptFlag.CHECKLOCKTIMEVERIFY.value
        if csv:
            flags |= ScriptFlag.CHECKSEQUENCEVERIFY.value
        if segwit:
            flags |= ScriptFlag.WITNESS.value | ScriptFlag.NULLDUMMY.value
        if taproot:
            flags |= ScriptFlag.TAPROOT.value
        return RuleSet(
            height=height,
            script_flags=flags,
            bip34=deployments.bip34.is_active(height),
            csv=csv,
            segwit=segwit,
            taproot=taproot,
            bip30=self._needs_bip30(parent, block),
            median_time_past=parent.median_time_past,
            subsidy_sat=network.subsidy(height),
            coinbase_maturity=network.coinbase_maturity,
        )

    def has_segwit(self, parent: HeaderNode) -> bool:
        """Whether a child of `parent` may carry witnesses."""
        return self._is_active("segwit", self._deployments.segwit, parent)

    def minimum_version(self, height: int) -> int:
        """The lowest header version allowed at this height (BIP34, 66, 65)."""
        deployments = self._deployments
        if deployments.bip65.is_active(height):
            return 4
        if deployments.bip66.is_active(height):
            return 3
        return 2 if deployments.bip34.is_active(height) else -(1 << 31)

    def template_version(self, parent: HeaderNode) -> int:
        """The version of a child of `parent`: BIP9's top bits, and a bit for every vote that runs or is locked in."""
        version = VERSION_TOP_BITS
        for name, rule in self._votes:
            if self.vote_state(name, rule, parent) in (VoteState.STARTED, VoteState.LOCKED_IN):
                version |= 1 << rule.bit
        return version

    def vote_state(self, name: str, rule: VersionBits, parent: HeaderNode) -> VoteState:
        """The state that holds for a child of `parent`."""
        # The state follows from the last block of the window before; windows with the genesis block are DEFINED.
        boundary = _window_end(parent, rule.window)
        waiting: list[HeaderNode] = []
        state = VoteState.DEFINED
        while boundary is not None:
            cached = self._states.get((name, boundary.hash))
            if cached is not None:
                state = cached
                break
            if boundary.median_time_past < rule.start_time:
                break
            waiting.append(boundary)
            boundary = boundary.ancestor(boundary.height - rule.window) if boundary.height >= rule.window else None
        if len(self._states) + len(waiting) > VERSION_BITS_CACHE_MAX:
            self._states.clear()
        while waiting:
            boundary = waiting.pop()
            state = _next_state(state, rule, boundary)
            self._states[name, boundary.hash] = state
        return state

    def status(self, parent: HeaderNode) -> tuple[DeploymentStatus, ...]:
        """Every deployment as of the block behind `parent`."""
        return tuple(self._status(name, rule, parent) for name, rule in self._deployments.named())

    def _status(self, name: str, rule: Activation, parent: HeaderNode) -> DeploymentStatus:
        if isinstance(rule, Buried):
            return DeploymentStatus(name, rule.is_active(parent.height + 1), rule.height)
        state = self.vote_state(name, rule, parent)
        since = self._since(name, rule, parent, state)
        votes = _count_votes(rule, parent) if state in (VoteState.STARTED, VoteState.LOCKED_IN) else None
        is_active = state is VoteState.ACTIVE
        return DeploymentStatus(name, is_active, since if is_active else None, rule, state, since, votes)

    def _since(self, name: str, rule: VersionBits, parent: HeaderNode, state: VoteState) -> int:
        """The height of the first block that the state holds for."""
        if state is VoteState.DEFINED:
            return 0
        boundary = _window_end(parent, rule.window)
        while boundary is not None and boundary.height >= rule.window:
            earlier = boundary.ancestor(boundary.height - rule.window)
            if self.vote_state(name, rule, earlier) is not state:
                break
            boundary = earlier
        return 0 if boundary is None else boundary.height + 1

    def _is_active(self, name: str, rule: Activation, parent: HeaderNode) -> bool:
        if isinstance(rule, Buried):
            return rule.is_active(parent.height + 1)
        return self.vote_state(name, rule, parent) is VoteState.ACTIVE

    def _needs_bip30(self, parent: HeaderNode, block: BlockHash | None) -> bool:
        height = parent.height + 1
        if block is not None and (height, block) in self._network.bip30_exceptions:
            return False
        activation = self._deployments.bip34.height
        if activation is None:
            return True
        # Where every coinbase names its height nothing can repeat, so the look-ups are saved.
        if activation <= 1:
            return False
        unique = parent.height >= activation and parent.ancestor(activation).hash == self._network.bip34_hash
        return not unique or height >= _BIP34_IMPLIES_BIP30_LIMIT


def _window_end(parent: HeaderNode, window: int) -> HeaderNode | None:
    """The last block of the last whole window up to `parent`."""
    height = parent.height - (parent.height + 1) % window
    return None if height < 0 else parent.ancestor(height)


def _next_state(state: VoteState, rule: VersionBits, boundary: HeaderNode) -> VoteState:
    """The state of the window behind `boundary`, whose own window had `state`."""
    match state:
        case VoteState.DEFINED:
            return VoteState.STARTED if boundary.median_time_past >= rule.start_time else state
        case VoteState.STARTED:
            if _count_votes(rule, boundary).count >= rule.threshold:
                return VoteState.LOCKED_IN
            is_over = rule.timeout is not None and boundary.median_time_past >= rule.timeout
            return VoteState.FAILED if is_over else state
        case VoteState.LOCKED_IN:
            return VoteState.ACTIVE if boundary.height + 1 >= rule.min_activation_height else state
        case VoteState.ACTIVE | VoteState.FAILED:
            return state


def _count_votes(rule: VersionBits, last: HeaderNode) -> VoteCount:
    """The votes from the start of last's window up to `last`."""
    elapsed = last.height % rule.window + 1
    count = 0
    node: HeaderNode | None = last
    for _ in range(elapsed):
        assert node is not None
        version = node.header.version
        count += version & VERSION_TOP_MASK == VERSION_TOP_BITS and bool(version & 1 << rule.bit)
        node = node.parent
    return VoteCount(rule.window, rule.threshold, elapsed, count)
