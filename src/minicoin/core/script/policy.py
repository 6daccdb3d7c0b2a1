"""What this node relays beyond what is valid: the standardness of transactions as in Bitcoin Core 30, and dust.

Pure checks that raise TxRejected; mempool owns when they are asked, and what depends on other transactions. None of
them is ever a reason to punish a peer.

1. Versions 1 to 3. Version 3 promises a small topology (BIP431), which mempool holds.
2. Outputs are of known templates, so that an upgrade may give the others a meaning. Data outputs may be several and
   carry 100,000 bytes in all: miners take them anyway, and data refused here hides in outputs that burden everybody.
3. One output may be dust, for mempool makes sure that it is spent at once (mempool.ephemeral); two would cost more to
   clean up than anybody gains.
4. Signature checks outside of witnesses are few (BIP54): they are what makes a transaction slow to verify.
5. No coin of a witness version without a meaning is spent, whether standardness is asked for or not: anybody may spend
   it today, and a block that does breaks the rules of the soft fork that gives it a meaning.
6. Keys in witnesses of version 0 are compressed, standardness or not (BIP143). Whatever looks like one that is not is
   taken for one: telling would mean to run the script.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.primitives.transaction import Transaction, TxOut, Witness, output_size
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.script.pushes import is_p2sh, is_push_only, last_push, parse_operations, witness_program
from minicoin.core.script.sigops import script_sigops
from minicoin.core.script.standard import (
    ScriptType,
    classify,
    is_unspendable,
    parse_multisig,
)

STANDARD_WEIGHT_MAX: Final = 400_000
STANDARD_VERSION_MAX: Final = 3
_UNCOMPRESSED_KEY_BYTES: Final = 65
_UNCOMPRESSED_KEY_TAGS: Final = (4, 6, 7)

# CVE-2017-12842: 64 bytes without witness look like an inner node of the merkle tree.
STANDARD_STRIPPED_BYTES_MIN: Final = 65
# A 15-of-15 P2SH multisig with compressed keys, the largest scriptSig that can be spent.
STANDARD_SCRIPTSIG_BYTES_MAX: Final = 1_650
P2SH_SIGOPS_MAX: Final = 15
LEGACY_SIGOPS_MAX: Final = 2_500
"""Signature operations outside of witnesses in one transaction, counted where they may run (BIP54)."""
DATACARRIER_BYTES_MAX: Final = 100_000
DUST_OUTPUTS_MAX: Final = 1
BARE_MULTISIG_KEYS_MAX: Final = 3
DUST_RELAY_FEE_SAT_KVB: Final = 3_000
P2WSH_SCRIPT_BYTES_MAX: Final = 3_600
P2WSH_STACK_ITEMS_MAX: Final = 100
WITNESS_ITEM_BYTES_MAX: Final = 80
_ANNEX_TAG = 0x50
_TAPSCRIPT_LEAF = 0xC0

# What spending costs: outpoint, script length, sequence, and a signature with its key, a quarter of it where it is
# witness.
_SPEND_BYTES = 148
_SPEND_WITNESS_BYTES = 32 + 4 + 1 + 107 // 4 + 4


@dataclass(frozen=True, slots=True)
class Standardness:
    """What one node holds for standard where Bitcoin Core gives the operator a choice."""

    dust_feerate: int = DUST_RELAY_FEE_SAT_KVB
    """Satoshi per 1,000 virtual bytes at which an output must be worth spending."""
    datacarrier_bytes_max: int = DATACARRIER_BYTES_MAX
    """Bytes of all data outputs' scripts together; 0 allows no data output."""
    permits_bare_multisig: bool = True


STANDARD: Final = Standardness()


def dust_threshold_sat(output: TxOut, fee_sat_kvb: int = DUST_RELAY_FEE_SAT_KVB) -> int:
    """The least value that is worth spending at that feerate, rounded up; zero for an output nobody can spend."""
    if is_unspendable(output.script_pubkey):
        return 0
    spend = _SPEND_BYTES if witness_program(output.script_pubkey) is None else _SPEND_WITNESS_BYTES
    return -(-(output_size(output) + spend) * fee_sat_kvb // 1_000)


def is_dust(output: TxOut, fee_sat_kvb: int = DUST_RELAY_FEE_SAT_KVB) -> bool:
    """Whether the output is worth less than spending it costs."""
    return output.value < dust_threshold_sat(output, fee_sat_kvb)


def is_standard_output(script: bytes) -> bool:
    """Whether an output script is one we relay (the size of data is check_standard's)."""
    kind = classify(script)
    if kind is ScriptType.MULTISIG:
        multisig = parse_multisig(script)
        return multisig is not None and len(multisig.keys) <= BARE_MULTISIG_KEYS_MAX
    return kind is not ScriptType.NONSTANDARD


def dust_outputs(transaction: Transaction, dust_feerate: int = DUST_RELAY_FEE_SAT_KVB) -> list[int]:
    """The places of outputs that are worth less than spending them costs."""
    return [index for index, output in enumerate(transaction.outputs) if is_dust(output, dust_feerate)]


def check_size(transaction: Transaction) -> None:
    """That it is none of those that look like a node of the merkle tree: asked of every transaction, also where the
    operator takes unusual ones. Raises TxRejected."""
    if len(transaction.stripped) < STANDARD_STRIPPED_BYTES_MIN:
        raise TxRejected(TxReason.TX_SIZE_SMALL, f"{len(transaction.stripped)} bytes without witness")


def check_standard(transaction: Transaction, rules: Standardness = STANDARD) -> None:
    """The rules that need nothing but the transaction. Raises TxRejected."""
    if not 1 <= transaction.version <= STANDARD_VERSION_MAX:
        raise TxRejected(TxReason.VERSION, f"version {transaction.version}")
    if transaction.weight > STANDARD_WEIGHT_MAX:
        raise TxRejected(TxReason.TX_SIZE, f"weight {transaction.weight}")
    for index, spend in enumerate(transaction.inputs):
        if len(spend.script_sig) > STANDARD_SCRIPTSIG_BYTES_MAX:
            raise TxRejected(TxReason.SCRIPTSIG_SIZE, f"input {index}: {len(spend.script_sig)} bytes")
        if not is_push_only(spend.script_sig):
            raise TxRejected(TxReason.SCRIPTSIG_NOT_PUSHONLY, f"input {index}")
    _check_outputs(transaction.outputs, rules)
    dust = dust_outputs(transaction, rules.dust_feerate)
    if len(dust) > DUST_OUTPUTS_MAX:
        raise TxRejected(TxReason.DUST, f"outputs {', '.join(map(str, dust))}")


def _check_outputs(outputs: Sequence[TxOut], rules: Standardness) -> None:
    data_bytes_left = rules.datacarrier_bytes_max
    for index, output in enumerate(outputs):
        if not is_standard_output(output.script_pubkey):
            raise TxRejected(TxReason.SCRIPTPUBKEY, f"output {index}")
        match classify(output.script_pubkey):
            case ScriptType.NULL_DATA:
                data_bytes_left -= len(output.script_pubkey)
                if data_bytes_left < 0:
                    raise TxRejected(TxReason.DATACARRIER, f"more than {rules.datacarrier_bytes_max} bytes of data")
            case ScriptType.MULTISIG if not rules.permits_bare_multisig:
                raise TxRejected(TxReason.BARE_MULTISIG, f"output {index}")
            case _:
                pass


def check_standard_inputs(transaction: Transaction, spent: Sequence[TxOut]) -> None:
    """The rules on inputs and witnesses, given the outputs they spend, in input order. Raises TxRejected."""
    if _legacy_sigops(transaction, spent) > LEGACY_SIGOPS_MAX:
        raise TxRejected(TxReason.NONSTANDARD_INPUTS, "non-witness sigops exceed bip54 limit")
    for index, output in enumerate(spent):
        kind = classify(output.script_pubkey)
        if kind in (ScriptType.NONSTANDARD, ScriptType.WITNESS_UNKNOWN):
            raise TxRejected(TxReason.NONSTANDARD_INPUTS, f"input {index} spends a script that is not standard")
        if kind is ScriptType.SCRIPT_HASH:
            redeem = last_push(transaction.inputs[index].script_sig)
            if redeem is None or script_sigops(redeem, is_accurate=True) > P2SH_SIGOPS_MAX:
                raise TxRejected(TxReason.NONSTANDARD_INPUTS, f"input {index}: redeem script")
        witness = transaction.witnesses[index] if transaction.witnesses else ()
        if witness and not _is_standard_witness(transaction.inputs[index].script_sig, output, witness):
            raise TxRejected(TxReason.WITNESS_NONSTANDARD, f"input {index}")


def check_programs(transaction: Transaction, spent: Sequence[TxOut]) -> None:
    """The rules on witness programs, for all transactions. Raises TxRejected."""
    for index, (spend, output) in enumerate(zip(transaction.inputs, spent, strict=True)):
        script = output.script_pubkey
        is_nested = is_p2sh(script)
        if is_nested:
            script = last_push(spend.script_sig) or b""
        program = witness_program(script)
        if program is None:
            continue
        if program[0] == 0:
            if transaction.witnesses and _has_uncompressed_key(transaction.witnesses[index], program[1]):
                raise TxRejected(TxReason.SCRIPT_FAILED, f"input {index}: a key in its witness is not compressed")
        # Taproot and anchors have their meaning bare only.
        elif is_nested or classify(script) is ScriptType.WITNESS_UNKNOWN:
            raise TxRejected(
                TxReason.SCRIPT_FAILED, f"input {index}: its witness version is reserved for soft-fork upgrades"
            )


def _has_uncompressed_key(witness: Witness, program: bytes) -> bool:
    """Whether a key that the witness shows, or its script, is longer than it need be."""
    pushed = () if len(program) == 20 or not witness else parse_operations(witness[-1]) or ()
    return any(map(_is_uncompressed, (*witness, *(operation.pushed for operation in pushed))))


def _is_uncompressed(item: bytes) -> bool:
    return len(item) == _UNCOMPRESSED_KEY_BYTES and item[0] in _UNCOMPRESSED_KEY_TAGS


def _legacy_sigops(transaction: Transaction, spent: Sequence[TxOut]) -> int:
    count = 0
    for spend, output in zip(transaction.inputs, spent, strict=True):
        count += script_sigops(spend.script_sig, is_accurate=True)
        script: bytes | None = output.script_pubkey
        if is_p2sh(output.script_pubkey):
            script = last_push(spend.script_sig)
        count += script_sigops(script or b"", is_accurate=True)
    return count


def _is_standard_witness(script_sig: bytes, output: TxOut, witness: Witness) -> bool:
    script = output.script_pubkey
    nested = is_p2sh(script)
    if nested:
        script = last_push(script_sig) or b""
    program = witness_program(script)
    if program is None or classify(script) is ScriptType.ANCHOR:
        return False
    version, commitment = program
    if version == 0 and len(commitment) == 32:
        items = witness[:-1]
        return (
            len(witness[-1]) <= P2WSH_SCRIPT_BYTES_MAX
            and len(items) <= P2WSH_STACK_ITEMS_MAX
            and all(len(item) <= WITNESS_ITEM_BYTES_MAX for item in items)
        )
    if version == 1 and len(commitment) == 32 and not nested:
        return _is_standard_taproot(witness)
    return True


def _is_standard_taproot(witness: Witness) -> bool:
    if len(witness) >= 2 and witness[-1][:1] == bytes((_ANNEX_TAG,)):
        return False
    if len(witness) < 2:
        return True
    control, items = witness[-1], witness[:-2]
    if not control:
        return False
    is_tapscript = control[0] & 0xFE == _TAPSCRIPT_LEAF
    return not is_tapscript or all(len(item) <= WITNESS_ITEM_BYTES_MAX for item in items)
