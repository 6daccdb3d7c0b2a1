"""The parts a network's rules are made of: proof kinds, retargeting, deployments. Plain data; chain executes it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.limits import MEMBER_NAME_BYTES_MAX
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Recovery, order_recoveries


@dataclass(frozen=True, slots=True)
class WorkKind:
    """A block proves itself by its hash alone."""


@dataclass(frozen=True, slots=True)
class SignetKind:
    """A block needs work and a signature that satisfies `challenge` (BIP325)."""

    challenge: bytes


SIGNERS_BITS: Final = 0x207FFFFF
"""What each block carries that members sign: two tries find its nonce, and Bitcoin software can parse it."""
MIN_INTERVAL_S: Final = 1
PROPOSE_TIMEOUT_MS: Final = 1_000
PREVOTE_TIMEOUT_MS: Final = 500
PRECOMMIT_TIMEOUT_MS: Final = 500
TIMEOUT_STEP_MS: Final = 250
EMPTY_AFTER_S: Final = 60


@dataclass(frozen=True, slots=True)
class SignersKind:
    """A block is final by the signatures of a quorum of the network's members, who take turns to propose one.

    `members` are the founding members' x-only keys in ascending order, `names` theirs by place. Block 1's coinbase pays
    `allocation`, (output script, satoshi) in this order, and fees behind it. `admission` is the encoded first record of
    who may connect; where it is empty, anybody may. The time-outs are of round 0 and grow by `timeout_step_ms` a round;
    without a payment a block comes `empty_after_s` after the last. Both are no part of the network id, nor are names.
    `recoveries` are those that the operator's configuration names, each behind the one that it follows; they are no
    part of the id either: which chain goes on is what operators have to agree on (ADR 45).
    """

    members: tuple[bytes, ...]
    names: tuple[str, ...]
    min_interval_s: int = MIN_INTERVAL_S
    allocation: tuple[tuple[bytes, int], ...] = ()
    admission: bytes = b""
    propose_timeout_ms: int = PROPOSE_TIMEOUT_MS
    prevote_timeout_ms: int = PREVOTE_TIMEOUT_MS
    precommit_timeout_ms: int = PRECOMMIT_TIMEOUT_MS
    timeout_step_ms: int = TIMEOUT_STEP_MS
    empty_after_s: int = EMPTY_AFTER_S
    recoveries: tuple[Recovery, ...] = ()
    founding_list: MemberList = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "founding_list", MemberList(self.members))
        object.__setattr__(self, "recoveries", order_recoveries(self.recoveries))
        if len(self.names) != len(self.members):
            raise MisuseError(f"{len(self.members)} members have {len(self.names)} names")
        for name in self.names:
            if not 1 <= len(name.encode()) <= MEMBER_NAME_BYTES_MAX or not name.isprintable():
                raise MisuseError(f"a member's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown")


ProofKind = WorkKind | SignetKind | SignersKind

WORK = WorkKind()


class RetargetKind(StrEnum):
    """How the target of the next block follows from the chain."""

    BITCOIN = "bitcoin"
    BIP94 = "bip94"
    ASERT = "asert"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Retarget:
    """`interval` and `timespan_s` matter to bitcoin and bip94, `half_life_s` and `anchor_height` to asert."""

    kind: RetargetKind
    interval: int = 2016
    timespan_s: int = 14 * 24 * 3600
    half_life_s: int = 3600
    anchor_height: int = 1
    allow_min_difficulty: bool = False
    """A block 2 spacings behind its parent may use the pow limit (bitcoin and bip94 only)."""


@dataclass(frozen=True, slots=True)
class Buried:
    """Active from block `height` on; None for never."""

    height: int | None

    def is_active(self, height: int) -> bool:
        return self.height is not None and height >= self.height


@dataclass(frozen=True, slots=True)
class VersionBits:
    """A BIP9 deployment. Times are compared with the median time past, in Unix seconds; `timeout` None for never."""

    bit: int
    start_time: int
    timeout: int | None
    window: int
    threshold: int
    min_activation_height: int = 0


Activation = Buried | VersionBits

ALWAYS = Buried(0)
NEVER = Buried(None)


@dataclass(frozen=True, slots=True)
class Deployments:
    """When each soft fork begins. `extra` are deployments that change no rule we know (test dummies): they signal."""

    bip34: Buried = ALWAYS
    bip65: Buried = ALWAYS
    bip66: Buried = ALWAYS
    csv: Activation = ALWAYS
    segwit: Activation = ALWAYS
    taproot: Activation = ALWAYS
    extra: tuple[tuple[str, VersionBits], ...] = ()

    def rules(self) -> tuple[tuple[str, Activation], ...]:
        """(name, activation) of the deployments that change rules, in a fixed order."""
        return (
            ("bip34", self.bip34),
            ("bip65", self.bip65),
            ("bip66", self.bip66),
            ("csv", self.csv),
            ("segwit", self.segwit),
            ("taproot", self.taproot),
        )

    def named(self) -> tuple[tuple[str, Activation], ...]:
        """All of them, the extra ones last."""
        return (*self.rules(), *self.extra)

    def version_bits(self) -> tuple[tuple[str, VersionBits], ...]:
        """Those that miners vote on."""
        return tuple((name, rule) for name, rule in self.named() if isinstance(rule, VersionBits))


ACTIVE_FROM_GENESIS = Deployments()
RULE_NAMES = tuple(name for name, _ in ACTIVE_FROM_GENESIS.rules())
