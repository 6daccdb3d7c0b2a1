"""Output descriptors: what one means, its addresses, a script to mine to; and multisig addresses of given keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from minicoin.core.crypto.hashing import hash160
from minicoin.core.descriptors.checksum import split_checksum
from minicoin.core.descriptors.descriptor import Descriptor, Function, multisig_script
from minicoin.core.descriptors.infer import infer_descriptor
from minicoin.core.descriptors.keys import HARDENED, KeyExpression, is_on_curve
from minicoin.core.descriptors.parse import parse_descriptor
from minicoin.core.faults import DecodeError
from minicoin.core.limits import DESCRIPTOR_SCRIPTS_MAX
from minicoin.core.script.standard import address_script, p2sh_script, script_address, witness_script
from minicoin.rpc.errors import INVALID_ADDRESS, INVALID_PARAMETER, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

# Bitcoin Core's bound on one range, and what is scanned where none is given.
_RANGE_MAX: Final = 1_000_000
_RANGE_DEFAULT: Final = (0, 1_000)
# Derived in a row, some 10 ms, before other calls get their turn.
_SCRIPTS_PER_SLICE: Final = 50
_MULTISIG_KEYS_MAX: Final = 20
_P2SH_BYTES_MAX: Final = 520


def read_descriptors(call: Call, text: str, *, needs_checksum: bool = False) -> tuple[Descriptor, ...]:
    """The descriptors of a text, in Bitcoin Core's order. Raises RpcError."""
    try:
        return parse_descriptor(text, call.port.network, needs_checksum=needs_checksum)
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, str(error)) from error


def read_range(value: Json) -> tuple[int, int]:
    """[begin, end] or just the end, both included."""
    if isinstance(value, int) and not isinstance(value, bool):
        low, high = 0, value
    else:
        ends = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        whole = [end for end in ends if isinstance(end, int) and not isinstance(end, bool)]
        if len(whole) != 2 or len(ends) != 2:
            raise RpcError(INVALID_PARAMETER, "Range must be specified as end or as [begin,end]")
        low, high = whole
        if low > high:
            problem = "Range specified as [begin,end] must not have begin after end"
            raise RpcError(INVALID_PARAMETER, problem)
    if low < 0:
        raise RpcError(INVALID_PARAMETER, "Range should be greater or equal than 0")
    if not 0 <= high < HARDENED:
        raise RpcError(INVALID_PARAMETER, "End of range is too high")
    if high >= low + _RANGE_MAX:
        raise RpcError(INVALID_PARAMETER, "Range is too large")
    return low, high


@dataclass(slots=True)
class ScriptBudget:
    """How many scripts one call may still derive."""

    left: int = DESCRIPTOR_SCRIPTS_MAX

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            problem = f"this asks for more than {DESCRIPTOR_SCRIPTS_MAX} scripts; ask for parts of the range"
            raise RpcError(INVALID_PARAMETER, problem)


async def expand(
    found: Sequence[Descriptor], ends: tuple[int, int], budget: ScriptBudget
) -> AsyncIterator[tuple[Descriptor, ...]]:
    """What descriptors stand for at each index of a range, index by index."""
    low, high = ends
    for index in range(low, high + 1):
        for descriptor in found:
            try:
                forms = descriptor.at(index)
            except DecodeError as error:
                raise RpcError(INVALID_ADDRESS, str(error)) from error
            budget.spend(len(forms))
            yield forms
        if index % _SCRIPTS_PER_SLICE == 0:
            await asyncio.sleep(0)


async def scan_scripts(call: Call, objects: Sequence[Json]) -> dict[bytes, Descriptor]:
    """The scripts that scan objects mean (a descriptor, or one with a range), and what each of them is."""
    scripts: dict[bytes, Descriptor] = {}
    budget = ScriptBudget()
    form = call.port.network.address_format
    for scanned in objects:
        text, ends = scanned, _RANGE_DEFAULT
        if isinstance(scanned, Mapping):
            if "desc" not in scanned:
                raise RpcError(INVALID_PARAMETER, "Descriptor needs to be provided in scan object")
            text = scanned["desc"]
            if scanned.get("range") is not None:
                ends = read_range(scanned["range"])
        elif not isinstance(scanned, str):
            raise RpcError(INVALID_PARAMETER, "Scan object needs to be either a string or an object")
        if not isinstance(text, str):
            raise RpcError(TYPE_ERROR, "JSON value of desc is not of expected type string")
        found = read_descriptors(call, text)
        async for forms in expand(found, ends if found[0].is_range else (0, 0), budget):
            for one in forms:
                script = one.output_script()
                known = infer_descriptor(script, form) if one.function in (Function.RAW, Function.ADDR) else one
                scripts.setdefault(script, known)
    return scripts


def script_to_mine_to(call: Call, text: str) -> bytes | None:
    """The one script of a descriptor, segwit first for combo(); None where the text is no descriptor."""
    try:
        found = parse_descriptor(text, call.port.network)
    except DecodeError:
        return None
    if len(found) > 1:
        raise RpcError(INVALID_PARAMETER, "Multipath descriptor not accepted")
    if found[0].is_range:
        problem = "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?"
        raise RpcError(INVALID_PARAMETER, problem)
    try:
        forms = found[0].at(0)
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, str(error)) from error
    # Of combo(): P2WPKH where the key is compressed, else P2PKH.
    return forms[{1: 0, 2: 1, 4: 2}[len(forms)]].output_script()


def script_of_output(call: Call, text: str) -> bytes:
    """The script of a descriptor or of an address."""
    script = script_to_mine_to(call, text)
    if script is not None:
        return script
    try:
        return address_script(text, call.port.network.address_format)
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, "Error: Invalid address or descriptor") from error


async def get_descriptor_info(call: Call) -> Json:
    text = call.text("descriptor")
    found = read_descriptors(call, text)
    shape: JsonObject = {"descriptor": str(found[0])}
    if len(found) > 1:
        shape["multipath_expansion"] = [str(one) for one in found]
    return shape | {
        "checksum": split_checksum(text)[1],
        "isrange": found[0].is_range,
        "issolvable": found[0].is_solvable,
        "hasprivatekeys": found[0].has_private_keys,
    }


async def derive_addresses(call: Call) -> Json:
    ends = read_range(call.value("range")) if call.has("range") else (0, 0)
    found = read_descriptors(call, call.text("descriptor"), needs_checksum=True)
    if not found[0].is_range and call.has("range"):
        problem = "Range should not be specified for an un-ranged descriptor"
        raise RpcError(INVALID_PARAMETER, problem)
    if found[0].is_range and not call.has("range"):
        raise RpcError(INVALID_PARAMETER, "Range must be specified for a ranged descriptor")
    budget = ScriptBudget()
    branches: list[Json] = []
    for descriptor in found:
        addresses: list[Json] = []
        async for forms in expand([descriptor], ends, budget):
            addresses += _addresses(call, forms)
        branches.append(addresses)
    return branches[0] if len(branches) == 1 else branches


def _addresses(call: Call, forms: Sequence[Descriptor]) -> list[str]:
    addresses: list[str] = []
    for one in forms:
        address = script_address(one.output_script(), call.port.network.address_format)
        # A bare key has none, which only combo() is forgiven.
        if address is None and len(forms) == 1:
            raise RpcError(INVALID_ADDRESS, "Descriptor does not have a corresponding address")
        addresses += [] if address is None else [address]
    return addresses


async def create_multisig(call: Call) -> Json:
    required, form = call.integer("nrequired"), call.port.network.address_format
    keys = [_read_public_key(key) for key in call.array("keys")]
    kind = call.text("address_type")
    if kind == "bech32m":
        raise RpcError(INVALID_ADDRESS, "createmultisig cannot create bech32m multisig addresses")
    if kind not in ("legacy", "p2sh-segwit", "bech32"):
        raise RpcError(INVALID_ADDRESS, f"Unknown address type '{kind}'")
    _check_multisig(required, keys)
    inner = multisig_script(required, keys)
    found = Descriptor(Function.MULTI, tuple(map(KeyExpression, keys)), required)
    is_segwit = kind != "legacy" and all(len(key) == 33 for key in keys)
    if not is_segwit and len(inner) > _P2SH_BYTES_MAX:
        problem = f"redeemScript exceeds size limit: {len(inner)} > {_P2SH_BYTES_MAX}"
        raise RpcError(INVALID_PARAMETER, problem)
    script = p2sh_script(hash160(inner))
    if is_segwit:
        found = Descriptor(Function.WSH, inner=(found,))
        script = witness_script(0, sha256(inner).digest())
    if not is_segwit or kind == "p2sh-segwit":
        found = Descriptor(Function.SH, inner=(found,))
        script = p2sh_script(hash160(script)) if is_segwit else script
    shape: JsonObject = {
        "address": script_address(script, form),
        "redeemScript": inner.hex(),
        "descriptor": str(found),
    }
    if kind != "legacy" and not is_segwit:
        problem = "Unable to make chosen address type, please ensure no uncompressed public keys are present."
        shape["warnings"] = [problem]
    return shape


def _check_multisig(required: int, keys: Sequence[bytes]) -> None:
    if required < 1:
        problem = "a multisignature address must require at least one key to redeem"
        raise RpcError(INVALID_PARAMETER, problem)
    if len(keys) < required:
        raise RpcError(
            INVALID_PARAMETER,
            f"not enough keys supplied (got {len(keys)} keys, but need at least {required} to redeem)",
        )
    if len(keys) > _MULTISIG_KEYS_MAX:
        raise RpcError(
            INVALID_PARAMETER,
            f"Number of keys involved in the multisignature address creation > {_MULTISIG_KEYS_MAX}\nReduce the number",
        )


def _read_public_key(value: Json) -> bytes:
    if not isinstance(value, str):
        raise RpcError(TYPE_ERROR, "keys: a public key is a string of hex digits")
    try:
        public = bytes.fromhex(value)
    except ValueError:
        public = b""
    if 2 * len(public) != len(value) or not value:
        raise RpcError(INVALID_ADDRESS, f'Pubkey "{value[:140]}" must be a hex string')
    if len(public) not in (33, 65):
        problem = f'Pubkey "{value[:140]}" must have a length of either 33 or 65 bytes'
        raise RpcError(INVALID_ADDRESS, problem)
    if not is_on_curve(public):
        raise RpcError(INVALID_ADDRESS, f'Pubkey "{value[:140]}" must be cryptographically valid.')
    return public


_DESCRIPTOR = Argument("descriptor", Kind.TEXT, "The descriptor.")

METHODS = (
    Method(
        "getdescriptorinfo",
        Category.UTIL,
        "What a descriptor means; miniscript and musig() are not understood.",
        "An object: descriptor (in canonical form, without private keys), multipath_expansion (where paths branch), "
        "checksum (of the text as given), isrange, issolvable, hasprivatekeys.",
        get_descriptor_info,
        (_DESCRIPTOR,),
    ),
    Method(
        "deriveaddresses",
        Category.UTIL,
        f"The addresses of a descriptor, which must carry its checksum; at most {DESCRIPTOR_SCRIPTS_MAX} at once.",
        "An array of addresses; an array of such arrays where the descriptor's paths branch.",
        derive_addresses,
        (_DESCRIPTOR, optional("range", Kind.RANGE, None, "The indices, where it has a wildcard: end or [begin,end].")),
    ),
    Method(
        "createmultisig",
        Category.UTIL,
        "An address that some of the given keys can spend from together.",
        "An object: address, redeemScript, descriptor, warnings.",
        create_multisig,
        (
            Argument("nrequired", Kind.INTEGER, "How many signatures are needed."),
            Argument("keys", Kind.ARRAY, f"Public keys as hex, at most {_MULTISIG_KEYS_MAX}."),
            optional("address_type", Kind.TEXT, "legacy", "legacy, p2sh-segwit or bech32."),
        ),
    ),
)
