"""From a descriptor's text to descriptors: several where its paths branch (BIP389). Messages follow Bitcoin Core's.

The checksum is verified whenever it is there, and addresses and extended keys must be the network's own.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from minicoin.core.descriptors.checksum import split_checksum
from minicoin.core.descriptors.descriptor import Descriptor, Function
from minicoin.core.descriptors.keys import Context, KeyExpression, parse_key
from minicoin.core.faults import DecodeError
from minicoin.core.limits import DESCRIPTOR_CHARACTERS_MAX
from minicoin.core.params.network import Network
from minicoin.core.script.standard import address_script, script_address

T = TypeVar("T")

_MULTISIG_KEYS_MAX: Final = 20
_MULTI_A_KEYS_MAX: Final = 999
_BARE_KEYS_MAX: Final = 3
_P2SH_BYTES_MAX: Final = 520
_TREE_DEPTH_MAX: Final = 128
# Of a text that is no descriptor, in the message that says so.
_SHOWN: Final = 500
_CALL: Final = re.compile(r"([a-z_]+)\((.*)\)\Z", re.DOTALL)
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*\Z")
_NUMBER: Final = re.compile(r"[0-9]{1,10}\Z")
_SCRIPTS: Final = (Context.TOP, Context.P2SH, Context.P2WSH)

# Where each function may stand, and how Bitcoin Core says that it may not.
_PLACES: Final = {
    Function.PKH: (_SCRIPTS, "Can only have pkh() at top level, in sh(), or in wsh()"),
    Function.COMBO: ((Context.TOP,), "Can only have combo() at top level"),
    Function.MULTI: (_SCRIPTS, "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"),
    Function.SORTED_MULTI: (_SCRIPTS, "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"),
    Function.MULTI_A: ((Context.P2TR,), "Can only have multi_a/sortedmulti_a inside tr()"),
    Function.SORTED_MULTI_A: ((Context.P2TR,), "Can only have multi_a/sortedmulti_a inside tr()"),
    Function.WPKH: ((Context.TOP, Context.P2SH), "Can only have wpkh() at top level or inside sh()"),
    Function.SH: ((Context.TOP,), "Can only have sh() at top level"),
    Function.WSH: ((Context.TOP, Context.P2SH), "Can only have wsh() at top level or inside sh()"),
    Function.ADDR: ((Context.TOP,), "Can only have addr() at top level"),
    Function.TR: ((Context.TOP,), "Can only have tr at top level"),
    Function.RAW_TR: ((Context.TOP,), "Can only have rawtr at top level"),
    Function.RAW: ((Context.TOP,), "Can only have raw() at top level"),
}


def parse_descriptor(text: str, network: Network, *, needs_checksum: bool = False) -> tuple[Descriptor, ...]:
    """The descriptors a text stands for, one unless its paths branch. Raises DecodeError."""
    if len(text) > DESCRIPTOR_CHARACTERS_MAX:
        raise DecodeError(f"a descriptor has at most {DESCRIPTOR_CHARACTERS_MAX} characters, not {len(text)}")
    payload, _ = split_checksum(text, is_required=needs_checksum)
    return tuple(_Parser(network).script(payload, Context.TOP))


class _Parser:
    def __init__(self, network: Network) -> None:
        self._network = network

    def script(self, text: str, context: Context) -> list[Descriptor]:
        call = _CALL.match(text)
        name = call[1] if call is not None else ""
        if call is None or name not in {str(function) for function in Function}:
            raise _unknown(text, context)
        function, argument = Function(name), call[2]
        places, problem = _PLACES.get(function, ((context,), ""))
        if context not in places:
            raise DecodeError(problem)
        match function:
            case Function.PK | Function.PKH | Function.COMBO | Function.WPKH | Function.RAW_TR:
                return self._of_key(function, argument, context)
            case Function.SH | Function.WSH:
                inside = Context.P2SH if function is Function.SH else Context.P2WSH
                return [Descriptor(function, inner=(inner,)) for inner in self.script(argument, inside)]
            case Function.MULTI | Function.SORTED_MULTI | Function.MULTI_A | Function.SORTED_MULTI_A:
                return self._multisig(function, argument, context)
            case Function.TR:
                return self._taproot(argument)
            case Function.ADDR:
                return [self._address(argument)]
            case Function.RAW:
                if not _HEX.match(argument):
                    raise DecodeError("Raw script is not hex")
                return [Descriptor(function, script=bytes.fromhex(argument))]

    def _of_key(self, function: Function, argument: str, context: Context) -> list[Descriptor]:
        if function is Function.WPKH:
            context = Context.P2WPKH
        elif function is Function.RAW_TR:
            context = Context.P2TR
            if "," in argument:
                raise DecodeError("rawtr(): only one key expected.")
        return [Descriptor(function, (key,)) for key in self._keys(argument, context, f"{function}()")]

    def _keys(self, text: str, context: Context, place: str) -> list[KeyExpression]:
        try:
            return parse_key(text, context, self._network.keys)
        except DecodeError as error:
            raise DecodeError(f"{place}: {error}") from error

    def _multisig(self, function: Function, argument: str, context: Context) -> list[Descriptor]:
        threshold_text, *texts = argument.split(",")
        if not _NUMBER.match(threshold_text):
            raise DecodeError(f"Multi threshold '{threshold_text}' is not valid")
        threshold = int(threshold_text)
        is_legacy = function in (Function.MULTI, Function.SORTED_MULTI)
        most, kind = (_MULTISIG_KEYS_MAX, "multisig") if is_legacy else (_MULTI_A_KEYS_MAX, "multi_a")
        if not 1 <= len(texts) <= most:
            problem = f"Cannot have {len(texts)} keys in {kind}; must have between 1 and {most} keys, inclusive"
            raise DecodeError(problem)
        keys = [self._keys(text, context, "Multi") for text in texts]
        if threshold < 1:
            raise DecodeError(f"Multisig threshold cannot be {threshold}, must be at least 1")
        if threshold > len(keys):
            raise DecodeError(
                "Multisig threshold cannot be larger than the number of keys; threshold is "
                f"{threshold} but only {len(keys)} keys specified"
            )
        if context is Context.TOP and len(keys) > _BARE_KEYS_MAX:
            raise DecodeError(f"Cannot have {len(keys)} pubkeys in bare multisig; only at most 3 pubkeys")
        size = 3 + sum(found[0].size + 1 for found in keys)
        if context is Context.P2SH and size > _P2SH_BYTES_MAX:
            raise DecodeError(f"P2SH script is too large, {size} bytes is larger than {_P2SH_BYTES_MAX} bytes")
        branches = _spread(keys, "multi(): Multipath derivation paths have mismatched lengths")
        return [Descriptor(function, tuple(branch), threshold) for branch in branches]

    def _taproot(self, argument: str) -> list[Descriptor]:
        key_text, comma, tree = argument.partition(",")
        keys = self._keys(key_text, Context.P2TR, "tr()")
        if not comma:
            return [Descriptor(Function.TR, (key,)) for key in keys]
        leaves, depths = self._tree(tree)
        branches = _spread(leaves, "tr(): Multipath subscripts have mismatched lengths", len(keys))
        if len(keys) > 1 and len(keys) != len(branches):
            raise DecodeError("tr(): Multipath internal key mismatches multipath subscripts lengths")
        return [
            Descriptor(Function.TR, (keys[place % len(keys)],), inner=tuple(branch), depths=tuple(depths))
            for place, branch in enumerate(branches)
        ]

    def _tree(self, text: str) -> tuple[list[list[Descriptor]], list[int]]:
        """The leaves of a script tree from left to right, and their depths. In one pass, however deep it is."""
        leaves: list[list[Descriptor]] = []
        depths: list[int] = []
        # The way from the top to where we are: whether it goes right at each fork.
        way: list[bool] = []
        at = 0
        while True:
            while text.startswith("{", at):
                way.append(False)
                at += 1
                if len(way) > _TREE_DEPTH_MAX:
                    raise DecodeError(f"tr() supports at most {_TREE_DEPTH_MAX} nesting levels")
            end = _end_of_expression(text, at)
            leaves.append(self.script(text[at:end], Context.P2TR))
            depths.append(len(way))
            at = end
            while way and way[-1]:
                if not text.startswith("}", at):
                    raise DecodeError("tr(): expected '}' after script expression")
                way.pop()
                at += 1
            if not way:
                break
            if not text.startswith(",", at):
                raise DecodeError("tr(): expected ',' after script expression")
            way[-1] = True
            at += 1
        if at < len(text):
            raise DecodeError("tr(): expected ')' after script expression")
        return leaves, depths

    def _address(self, text: str) -> Descriptor:
        form = self._network.address_format
        try:
            script = address_script(text, form)
        except DecodeError as error:
            raise DecodeError("Address is not valid") from error
        return Descriptor(Function.ADDR, script=script, address=script_address(script, form) or text)


def _unknown(text: str, context: Context) -> DecodeError:
    if context is Context.P2SH:
        return DecodeError("A function is needed within P2SH")
    if context is Context.TOP:
        return DecodeError(f"'{text[:_SHOWN]}' is not a valid descriptor function")
    if context is Context.P2WSH and "(" not in text:
        return DecodeError("A function is needed within P2WSH")
    return DecodeError(
        f"'{text[:_SHOWN]}' is not a function that may stand {context} (miniscript is not understood here)"
    )


def _end_of_expression(text: str, at: int) -> int:
    """Where the expression that begins at `at` ends: before a comma or brace that it did not open."""
    depth = 0
    for place in range(at, len(text)):
        letter = text[place]
        if letter in "({":
            depth += 1
        elif depth and letter in ")}":
            depth -= 1
        elif not depth and letter in ",)}":
            return place
    return len(text)


def _spread(groups: Sequence[list[T]], problem: str, least: int = 1) -> list[list[T]]:
    """One list for each branch: what does not branch stands in all of them."""
    count = max(least, *(len(group) for group in groups))
    if any(len(group) not in (1, count) for group in groups):
        raise DecodeError(problem)
    return [[group[place % len(group)] for group in groups] for place in range(count)]
