"""What this node relays beyond what is valid: Bitcoin Core's standardness of transactions, and dust.

Pure checks that raise TxRejected; mempool owns when they are asked. None of them is ever a reason to punish a peer.
"""

from collections.abc import Sequence
from typing import Final

from minicoin.core.primitives.transaction import Transaction, TxOut, Witness, output_size
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.script.pushes import is_p2sh, is_push_only, last_push, witness_program
from minicoin.core.script.sigops import script_sigops
from minicoin.core.script.standard import (
    ScriptType,
    classify,
    is_unspendable,
    parse_multisig,
)

STANDARD_WEIGHT_MAX: Final = 400_000
STANDARD_VERSION_MAX: Final = 2
# CVE-2017-12842: 64 bytes without witness look like an inner node of the merkle tree.
STANDARD_STRIPPED_BYTES_MIN: Final = 65
# A 15-of-15 P2SH multisig with compressed keys, the largest scriptSig that can be spent.
STANDARD_SCRIPTSIG_BYTES_MAX: Final = 1_650
P2SH_SIGOPS_MAX: Final = 15
DATACARRIER_BYTES_MAX: Final = 83
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


def dust_threshold_sat(output: TxOut, fee_sat_kvb: int = DUST_RELAY_FEE_SAT_KVB) -> int:
    """The least value that is worth spending at that feerate; zero for an output nobody can spend."""
    if is_unspendable(output.script_pubkey):
        return 0
    spend = _SPEND_BYTES if witness_program(output.script_pubkey) is None else _SPEND_WITNESS_BYTES
    return (output_size(output) + spend) * fee_sat_kvb // 1_000


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


def check_standard(transaction: Transaction, dust_fee_sat_kvb: int = DUST_RELAY_FEE_SAT_KVB) -> None:
    """The rules that need nothing but the transaction. Raises TxRejected."""
    if not 1 <= transaction.version <= STANDARD_VERSION_MAX:
        raise TxRejected(TxReason.VERSION, f"version {transaction.version}")
    if len(transaction.stripped) < STANDARD_STRIPPED_BYTES_MIN:
        raise TxRejected(TxReason.TX_SIZE_SMALL, f"{len(transaction.stripped)} bytes without witness")
    if transaction.weight > STANDARD_WEIGHT_MAX:
        raise TxRejected(TxReason.TX_SIZE, f"weight {transaction.weight}")
    for index, spend in enumerate(transaction.inputs):
        if len(spend.script_sig) > STANDARD_SCRIPTSIG_BYTES_MAX:
            raise TxRejected(TxReason.SCRIPTSIG_SIZE, f"input {index}: {len(spend.script_sig)} bytes")
        if not is_push_only(spend.script_sig):
            raise TxRejected(TxReason.SCRIPTSIG_NOT_PUSHONLY, f"input {index}")
    _check_outputs(transaction.outputs, dust_fee_sat_kvb)


def _check_outputs(outputs: Sequence[TxOut], dust_fee_sat_kvb: int) -> None:
    data_outputs = 0
    for index, output in enumerate(outputs):
        if not is_standard_output(output.script_pubkey):
            raise TxRejected(TxReason.SCRIPTPUBKEY, f"output {index}")
        if classify(output.script_pubkey) is ScriptType.NULL_DATA:
            data_outputs += 1
            if len(output.script_pubkey) > DATACARRIER_BYTES_MAX:
                raise TxRejected(TxReason.DATACARRIER, f"output {index}: {len(output.script_pubkey)} bytes")
        if is_dust(output, dust_fee_sat_kvb):
            raise TxRejected(TxReason.DUST, f"output {index}: {output.value} sat")
    if data_outputs > 1:
        raise TxRejected(TxReason.DATACARRIER, f"{data_outputs} data outputs")


def check_standard_inputs(transaction: Transaction, spent: Sequence[TxOut]) -> None:
    """The rules on inputs and witnesses, given the outputs they spend, in input order. Raises TxRejected."""
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
