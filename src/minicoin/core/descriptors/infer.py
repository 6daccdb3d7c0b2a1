"""The descriptor of a script of which nothing else is known: what Bitcoin Core's RPC prints beside every script."""

from dataclasses import dataclass

from minicoin.core.descriptors.descriptor import Descriptor, Function
from minicoin.core.descriptors.keys import Context, KeyExpression, is_on_curve
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.script.standard import ScriptType, classify, parse_multisig, script_address


@dataclass(frozen=True, slots=True)
class KnownScript:
    """A script that a P2WSH output commits to."""

    witness_script: bytes


def infer_descriptor(script: bytes, form: AddressFormat, known: KnownScript | None = None) -> Descriptor:
    """A descriptor for exactly this output script: with keys where they stand in it, else addr() or raw()."""
    if known is not None and classify(script) is ScriptType.WITNESS_V0_SCRIPT_HASH:
        inner = _with_keys(known.witness_script, Context.P2WSH)
        if inner is not None:
            return Descriptor(Function.WSH, inner=(inner,))
    found = _with_keys(script, Context.TOP)
    if found is not None:
        return found
    address = script_address(script, form)
    if address is not None:
        return Descriptor(Function.ADDR, script=script, address=address)
    return Descriptor(Function.RAW, script=script)


def _with_keys(script: bytes, context: Context) -> Descriptor | None:
    kind = classify(script)
    if kind is ScriptType.PUBKEY:
        key = _key(script[1:-1], context)
        return None if key is None else Descriptor(Function.PK, (key,))
    if kind is ScriptType.MULTISIG:
        multisig = parse_multisig(script)
        keys = [_key(key, context) for key in multisig.keys] if multisig is not None else []
        found = tuple(key for key in keys if key is not None)
        if multisig is None or len(found) < len(keys):
            return None
        return Descriptor(Function.MULTI, found, multisig.required)
    if kind is ScriptType.WITNESS_V1_TAPROOT and context is Context.TOP and is_on_curve(b"\x02" + script[2:]):
        return Descriptor(Function.RAW_TR, (KeyExpression(b"\x02" + script[2:], is_x_only=True),))
    return None


def _key(public: bytes, context: Context) -> KeyExpression | None:
    if public[0] not in (2, 3, 4) or (len(public) == 65 and not context.allows_uncompressed):
        return None
    return KeyExpression(public)
