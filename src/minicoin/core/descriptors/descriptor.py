"""A descriptor as a value: its text in canonical form, and the output scripts it stands for at an index.

Scripts are built here; which texts are descriptors is parse's. Miniscript and musig() are not among them. BIP380 to
386.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeVar

from coincurve import PublicKey

from minicoin.core.crypto.hashing import hash160, tagged_hash
from minicoin.core.descriptors.checksum import with_checksum
from minicoin.core.descriptors.keys import KeyExpression
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.script.opcodes import OP_0, OP_1, OP_CHECKMULTISIG, OP_CHECKSIG, OP_CHECKSIGADD
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.script.standard import p2pkh_script, p2sh_script, p2wpkh_script, witness_script

T = TypeVar("T")

_OP_NUMEQUAL: Final = 0x9C
_LEAF_VERSION: Final = b"\xc0"


class Function(StrEnum):
    """What a descriptor may be made of."""

    PK = "pk"
    PKH = "pkh"
    WPKH = "wpkh"
    COMBO = "combo"
    MULTI = "multi"
    SORTED_MULTI = "sortedmulti"
    MULTI_A = "multi_a"
    SORTED_MULTI_A = "sortedmulti_a"
    SH = "sh"
    WSH = "wsh"
    TR = "tr"
    RAW_TR = "rawtr"
    ADDR = "addr"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One function with its arguments. `inner` are the scripts within: one of sh and wsh, the leaves of tr at `depths`.
    `script` is what addr and raw stand for, `address` how addr writes it."""

    function: Function
    keys: tuple[KeyExpression, ...] = ()
    threshold: int = 0
    inner: tuple["Descriptor", ...] = ()
    depths: tuple[int, ...] = ()
    script: bytes = b""
    address: str = ""

    @property
    def is_range(self) -> bool:
        """Whether it stands for another script at each index."""
        return any(key.is_range for key in self.all_keys())

    @property
    def is_solvable(self) -> bool:
        """Whether it tells how its scripts are spent, given the private keys."""
        return self.function not in (Function.ADDR, Function.RAW)

    @property
    def has_private_keys(self) -> bool:
        return any(key.is_private for key in self.all_keys())

    def all_keys(self) -> Iterator[KeyExpression]:
        """Its keys and those within it."""
        yield from self.keys
        for inner in self.inner:
            yield from inner.all_keys()

    def __str__(self) -> str:
        """The canonical form, with its checksum and without private keys."""
        return with_checksum(self.payload())

    def payload(self) -> str:
        """The same without the checksum."""
        match self.function:
            case Function.ADDR:
                return f"addr({self.address})"
            case Function.RAW:
                return f"raw({self.script.hex()})"
            case Function.TR:
                if not self.inner:
                    return f"tr({self.keys[0]})"
                tree = _tree(self.inner, self.depths, Descriptor.payload, lambda left, right: f"{{{left},{right}}}")
                return f"tr({self.keys[0]},{tree})"
        threshold = [str(self.threshold)] if self.threshold else []
        return f"{self.function}({','.join([*threshold, *map(str, self.keys), *(i.payload() for i in self.inner)])})"

    def at(self, index: int) -> tuple["Descriptor", ...]:
        """What it is at one index, keys with their origins: of combo() each form, else one. Raises DecodeError where
        only private keys could tell."""
        keys = tuple(key.at(index) for key in self.keys)
        if self.function is Function.COMBO:
            return _combo(keys[0])
        function = self.function
        if function in (Function.SORTED_MULTI, Function.SORTED_MULTI_A):
            is_legacy = function is Function.SORTED_MULTI
            function = Function.MULTI if is_legacy else Function.MULTI_A
            # In tr() only the x-only form stands in the script, and is what BIP387 sorts.
            keys = tuple(sorted(keys, key=lambda key: key.public if is_legacy else key.public[1:]))
        inner = tuple(found for one in self.inner for found in one.at(index))
        return (replace(self, function=function, keys=keys, inner=inner),)

    def output_script(self) -> bytes:
        """The script of a descriptor that at() gave."""
        match self.function:
            case Function.ADDR | Function.RAW:
                return self.script
            case Function.PKH:
                return p2pkh_script(hash160(self.keys[0].public))
            case Function.WPKH:
                return p2wpkh_script(hash160(self.keys[0].public))
            case Function.PK:
                return push(self.keys[0].public) + bytes((OP_CHECKSIG,))
            case Function.MULTI | Function.SORTED_MULTI:
                return multisig_script(self.threshold, [key.public for key in self.keys])
            case Function.SH:
                return p2sh_script(hash160(self.inner[0].output_script()))
            case Function.WSH:
                return witness_script(0, sha256(self.inner[0].output_script()).digest())
            case Function.RAW_TR:
                return witness_script(1, self.keys[0].public[1:])
            case Function.TR:
                root = _tree(self.inner, self.depths, _leaf_hash, _branch_hash) if self.inner else b""
                return witness_script(1, taproot_output_key(self.keys[0].public[1:], root))
            case Function.COMBO | Function.MULTI_A | Function.SORTED_MULTI_A:
                raise AssertionError(f"{self.function} is no script of its own")

    def leaf_script(self) -> bytes:
        """What it is as a leaf of a tr()."""
        # Within tr() keys are x-only, and checked one by one (BIP342, BIP387).
        keys = [push(key.public[1:]) for key in self.keys]
        if self.function is Function.PK:
            return keys[0] + bytes((OP_CHECKSIG,))
        added = b"".join(key + bytes((OP_CHECKSIGADD,)) for key in keys[1:])
        return keys[0] + bytes((OP_CHECKSIG,)) + added + _number(self.threshold) + bytes((_OP_NUMEQUAL,))


def multisig_script(required: int, keys: Sequence[bytes]) -> bytes:
    """A bare m-of-n script."""
    return _number(required) + b"".join(map(push, keys)) + _number(len(keys)) + bytes((OP_CHECKMULTISIG,))


def taproot_output_key(internal_key: bytes, root: bytes) -> bytes:
    """The x-only key of an output whose script tree has this root (empty: no scripts). BIP341."""
    tweak = tagged_hash("TapTweak", internal_key + root)
    tweaked = PublicKey(b"\x02" + internal_key).add(tweak)
    return bytes(tweaked.format())[1:]


def _number(value: int) -> bytes:
    if value == 0:
        return bytes((OP_0,))
    return bytes((OP_1 + value - 1,)) if value <= 16 else push(encode_number(value))


def _combo(key: KeyExpression) -> tuple[Descriptor, ...]:
    legacy = (Descriptor(Function.PK, (key,)), Descriptor(Function.PKH, (key,)))
    if len(key.public) != 33:
        return legacy
    segwit = Descriptor(Function.WPKH, (key,))
    return (*legacy, segwit, Descriptor(Function.SH, inner=(segwit,)))


def _leaf_hash(leaf: Descriptor) -> bytes:
    script = leaf.leaf_script()
    return tagged_hash("TapLeaf", _LEAF_VERSION + encode_compact(len(script)) + script)


def _branch_hash(left: bytes, right: bytes) -> bytes:
    return tagged_hash("TapBranch", min(left, right) + max(left, right))


def _tree(
    leaves: Sequence[Descriptor], depths: Sequence[int], leaf: Callable[[Descriptor], T], join: Callable[[T, T], T]
) -> T:
    """Fold the leaves of a binary tree, given left to right with their depths."""
    waiting: list[tuple[int, T]] = []
    for one, depth in zip(leaves, depths, strict=True):
        found, at = leaf(one), depth
        while waiting and waiting[-1][0] == at:
            found, at = join(waiting.pop()[1], found), at - 1
        waiting.append((at, found))
    return waiting[0][1]
