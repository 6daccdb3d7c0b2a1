"""One RPC method as a row of the table: its arguments with their kinds, what it answers, and who carries it out.

The dispatcher checks arguments by these rows and `help` prints them, so that neither can differ from the other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from minicoin.core.answers import MEMBERS_SIGN, NO_MEMBERS, Reason
from minicoin.core.encoding.numbers import AmountError, parse_coins, parse_fixed
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.units import COIN_SAT
from minicoin.rpc.errors import (
    DESERIALIZATION_ERROR,
    INVALID_ADDRESS,
    INVALID_PARAMETER,
    MISC_ERROR,
    NUMBERS,
    TYPE_ERROR,
    RpcError,
)
from minicoin.rpc.json_text import Json
from minicoin.rpc.line import Turn
from minicoin.rpc.port import NodePort

T = TypeVar("T")

_FEERATE_DECIMALS: Final = 3


class Kind(StrEnum):
    """What an argument is; the value is how help names it."""

    TEXT = "string"
    HEX = "string, hex"
    HASH = "string, 64 hex digits"
    INTEGER = "number"
    FLAG = "boolean"
    AMOUNT = "amount in coins"
    LEVEL = "number or boolean"
    TEXT_OR_NUMBER = "string or number"
    ARRAY = "array"
    OBJECT = "object"
    OUTPUTS = "object, or array of objects"
    RANGE = "number, or array of two"
    ANY = "any"

    @property
    def is_text(self) -> bool:
        """Whether it is written in quotes."""
        return self in (Kind.TEXT, Kind.HEX, Kind.HASH)


class Category(StrEnum):
    """The headings of help, in its order."""

    CHAIN = "Blockchain"
    CONTROL = "Control"
    DATA = "Data"
    MEMBERS = "Members"
    MINING = "Mining"
    NETWORK = "Network"
    RAW = "Rawtransactions"
    RECORDS = "Records"
    TRIAL = "For tests, on networks of trivial work only"
    UTIL = "Util"
    WALLET = "Wallet"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. Optional ones have a default; None stands for "left out"."""

    name: str
    kind: Kind
    about: str
    is_optional: bool = False
    default: Json = None
    aliases: tuple[str, ...] = ()
    in_usage: str = ""
    """How the line of usage shows it, where not by its name and kind."""


def optional(
    name: str, kind: Kind, default: Json, about: str, *, aliases: tuple[str, ...] = (), in_usage: str = ""
) -> Argument:
    """An argument that may be left out."""
    return Argument(name, kind, about, True, default, aliases, in_usage)


@dataclass(frozen=True, slots=True)
class ActiveCall:
    """A call at work, since a time of the monotonic clock."""

    method: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class Call:
    """A method's view of one request: the node, and arguments that have the right JSON types."""

    port: NodePort
    arguments: Mapping[str, Json]
    wallet: str | None = None
    """The wallet that the path names (/wallet/NAME)."""
    active: Mapping[int, ActiveCall] = field(default_factory=dict)
    """All calls at work, this one among them."""
    turn: Turn | None = None
    """Its place in the line; None for a call that takes none."""
    given_count: int = 0
    """How many arguments the request has; after them come defaults only."""

    async def hold(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Await something that may take as long as it likes, in nobody's way."""
        return await (wait() if self.turn is None else self.turn.hold(wait))

    def has(self, name: str) -> bool:
        """Whether an optional argument was given."""
        return self.arguments[name] is not None

    def text(self, name: str) -> str:
        value = self.arguments[name]
        assert isinstance(value, str)
        # JSON can spell half a surrogate pair, which no file and no peer can be given.
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise RpcError(INVALID_PARAMETER, f"{name} is not valid Unicode")
        return value

    def integer(self, name: str) -> int:
        value = self.arguments[name]
        assert isinstance(value, int)
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.arguments[name]
        assert isinstance(value, bool)
        return value

    def array(self, name: str) -> Sequence[Json]:
        value = self.arguments[name]
        assert isinstance(value, list)
        return value

    def mapping(self, name: str) -> Mapping[str, Json]:
        value = self.arguments[name]
        assert isinstance(value, dict)
        return value

    def value(self, name: str) -> Json:
        """As it came, for arguments of several shapes."""
        return self.arguments[name]

    def hash(self, name: str) -> bytes:
        """The 32 bytes behind a displayed hash."""
        return parse_hash(self.text(name), name)

    def octets(self, name: str) -> bytes:
        """The bytes behind hex digits."""
        return parse_hex(self.text(name), name)

    def amount_sat(self, name: str) -> int:
        return parse_amount(self.arguments[name], name)

    def positive(self, name: str, low: int, high: int) -> int:
        """A whole number within [low, high]."""
        value = self.integer(name)
        if not low <= value <= high:
            raise RpcError(INVALID_PARAMETER, f"{name} must be {low} to {high}, not {value}")
        return value


Run = Callable[[Call], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table."""

    name: str
    category: Category
    about: str
    result: str
    run: Run
    arguments: tuple[Argument, ...] = ()
    is_hidden: bool = False
    """For tests and experts: explained when asked for by name, and left out of the list."""
    is_urgent: bool = False
    """Gets through however many calls wait: it takes no turn in the line."""
    is_for_miners: bool = False
    """Makes no sense where members sign the blocks: refused there, whatever it is given."""


def parse_hash(text: str, name: str) -> bytes:
    """Bitcoin Core's two complaints about hashes."""
    if len(text) != 64:
        raise RpcError(INVALID_PARAMETER, f"{name} must be of length 64 (not {len(text)}, for '{text[:100]}')")
    return parse_hex(text, name)[::-1]


def parse_hex(text: str, name: str) -> bytes:
    """Strict: fromhex would skip blanks."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if 2 * len(octets) != len(text):
        raise RpcError(INVALID_PARAMETER, f"{name} must be hexadecimal string (not '{text[:100]}')")
    return octets


def parse_amount(value: Json, name: str) -> int:
    """Coins as a JSON number or a string, exactly, in satoshi."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise RpcError(TYPE_ERROR, f"{name}: Amount is not a number or string")
    try:
        return parse_coins(value)
    except AmountError as error:
        raise RpcError(TYPE_ERROR, f"{name}: {error}") from None


def parse_vbyte_feerate(value: Json, name: str) -> int:
    """Satoshi per virtual byte, with up to three decimals, in satoshi per 1,000 virtual bytes."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise RpcError(TYPE_ERROR, f"{name}: Amount is not a number or string")
    try:
        return parse_fixed(value, _FEERATE_DECIMALS)
    except AmountError as error:
        raise RpcError(TYPE_ERROR, f"{name}: {error}") from None


def parse_feerate(value: Json, name: str) -> int:
    """Coins per 1,000 virtual bytes, in satoshi: a whole coin there is a slip of the keyboard, and refused."""
    sat = parse_amount(value, name)
    if sat >= COIN_SAT:
        raise RpcError(INVALID_PARAMETER, f"{name}: Fee rates larger than or equal to 1BTC/kvB are not accepted")
    return sat


UNKNOWN_BLOCK: Final = RpcError(INVALID_ADDRESS, "Block not found")
NOT_IN_MEMPOOL: Final = RpcError(INVALID_ADDRESS, "Transaction not in mempool")
UNDECODABLE: Final = RpcError(DESERIALIZATION_ERROR, "TX decode failed. Make sure the tx has at least one input.")


def require(value: T | None, otherwise: RpcError) -> T:
    """The value, or the refusal where there is none."""
    if value is None:
        raise RpcError(otherwise.code, otherwise.message)
    return value


async def require_members(call: Call) -> None:
    """Refuse what is about members, where nobody signs the blocks."""
    if not await call.port.query(lambda node: node.members.is_on):
        raise RpcError(MISC_ERROR, NO_MEMBERS)


def require_miners(network: Network) -> None:
    """Refuse what is for miners, where members sign the blocks."""
    if isinstance(network.proof, SignersKind):
        raise RpcError(NUMBERS[Reason.UNABLE], MEMBERS_SIGN)
