"""Bitcoin Core's published vectors against our rules and the kernel. What the kernel cannot express is counted by name.

The kernel knows consensus flags only, so a failure that a policy flag causes cannot be shown with it.
"""

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from minicoin.core.chain.tx_rules import check_transaction
from minicoin.core.chain.verifier import ScriptCheck
from minicoin.core.encoding.base58 import decode_base58, encode_base58
from minicoin.core.encoding.compact import decode_compact
from minicoin.core.encoding.hashes import hash_from_hex
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, Txid, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import TxRejected
from minicoin.core.script.opcodes import opcode_name
from minicoin.core.script.pushes import encode_number, push
from minicoin.drivers.kernel import failed_input

CONSENSUS = {flag.name: int(flag) for flag in ScriptFlag if flag.name != "ALL"}
OPCODES = {opcode_name(code).removeprefix("OP_"): code for code in range(0x61, 0xBB)} | {"RESERVED": 0x50}
# What only policy flags make fail (Bitcoin Core's names of the errors).
POLICY_ERRORS = {
    "MINIMALDATA",
    "CLEANSTACK",
    "MINIMALIF",
    "WITNESS_PUBKEYTYPE",
    "PUBKEYTYPE",
    "SIG_HIGH_S",
    "SIG_HASHTYPE",
    "NULLFAIL",
    "DISCOURAGE_UPGRADABLE_NOPS",
    "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
}


def cases(data: Path, name: str) -> list:
    entries = json.loads((data / "vectors" / f"{name}.json").read_text(), parse_float=Decimal)
    return [entry for entry in entries if len(entry) > 1]


def assemble(text: str) -> bytes:
    """Bitcoin Core's test notation: numbers, 0xRAW, 'text', opcode names."""
    script = b""
    for word in text.split():
        if re.fullmatch(r"-?\d+", word):
            number = int(word)
            script += bytes((0x4F,)) if number == -1 else push(encode_number(number))
        elif word.startswith("0x"):
            script += bytes.fromhex(word[2:])
        elif word.startswith("'"):
            script += push(word[1:-1].encode())
        else:
            script += bytes((OPCODES[word.removeprefix("OP_")],))
    return script


def flags_of(names: str) -> tuple[int, set[str]]:
    """(the consensus flags, the names the kernel does not know)."""
    known = {name for name in names.split(",") if name not in ("", "NONE")}
    flags = sum(CONSENSUS[name] for name in known & set(CONSENSUS))
    if flags & int(ScriptFlag.WITNESS | ScriptFlag.TAPROOT):
        flags |= int(ScriptFlag.P2SH | ScriptFlag.WITNESS)
    return flags, known - set(CONSENSUS)


# --- scripts ---


def spend_of(script_sig: bytes, script_pubkey: bytes, witness: tuple[bytes, ...], value: int) -> ScriptCheck:
    credit = Transaction(1, (TxIn(NULL_OUTPOINT, b"\0\0"),), (TxOut(value, script_pubkey),))
    spending = Transaction(
        1,
        (TxIn(make_outpoint(credit.txid, 0), script_sig),),
        (TxOut(value, b""),),
        0,
        (witness,) if witness else (),
    )
    return ScriptCheck(spending, credit.outputs, 0)


def test_script_vectors(data, record_property):
    counts: Counter[str] = Counter()
    for case in cases(data, "script_tests"):
        witness, value = (), 0
        if isinstance(case[0], list):
            *items, amount = case.pop(0)
            if any(item.startswith("#") for item in items):
                counts["not expressed: taproot script placeholders"] += 1
                continue
            witness, value = tuple(bytes.fromhex(item) for item in items), int(amount * 10**8)
        script_sig, script_pubkey, names, expected = case[:4]
        flags, policy = flags_of(names)
        check = spend_of(assemble(script_sig), assemble(script_pubkey), witness, value)
        is_good = failed_input(check.transaction, check.spent, flags) is None
        if expected == "OK":
            assert is_good, case
            counts["good"] += 1
        elif not is_good:
            counts["bad"] += 1
        else:
            assert policy, case
            is_policy = (
                expected in POLICY_ERRORS
                or (expected == "SCRIPTNUM" and "MINIMALDATA" in policy)
                or (expected == "SIG_DER" and "DERSIG" not in names)
                or (expected == "SIG_PUSHONLY" and "SIGPUSHONLY" in policy)
            )
            assert is_policy, case
            counts[f"not expressed: {expected} by policy flags"] += 1
    record_property("script_tests", str(dict(counts)))
    assert counts["good"] + counts["bad"] > 1000
    assert counts.total() == len(cases(data, "script_tests"))


# --- transactions ---


def transaction_check(case: list, flags: int) -> ScriptCheck:
    outputs = {
        make_outpoint(Txid(hash_from_hex(name)), index & 0xFFFF_FFFF): TxOut(
            amount[0] if amount else 0, assemble(script)
        )
        for name, index, script, *amount in case[0]
    }
    transaction = Transaction.parse(bytes.fromhex(case[1]))
    return ScriptCheck(transaction, [outputs[entry.outpoint] for entry in transaction.inputs], flags)


def test_valid_transactions(data, record_property):
    counts: Counter[str] = Counter()
    for case in cases(data, "tx_valid"):
        names = set(case[2].split(","))
        wanted = int(ScriptFlag.ALL) & ~sum(CONSENSUS.get(name, 0) for name in names)
        # As Bitcoin Core trims: witness rules need P2SH, taproot's need witness rules.
        if not wanted & CONSENSUS["P2SH"]:
            wanted &= ~CONSENSUS["WITNESS"]
        if not wanted & CONSENSUS["WITNESS"]:
            wanted &= ~CONSENSUS["TAPROOT"]
        check = transaction_check(case, wanted)
        check_transaction(check.transaction)
        if check.transaction.is_coinbase:
            counts["coinbases, by our rules alone"] += 1
            continue
        assert failed_input(check.transaction, check.spent, wanted) is None, case
        counts["valid"] += 1
    record_property("tx_valid", str(dict(counts)))
    assert counts["valid"] > 110


def test_invalid_transactions(data, record_property):
    counts: Counter[str] = Counter()
    for case in cases(data, "tx_invalid"):
        flags, policy = flags_of(case[2])
        if "BADTX" in policy:
            with pytest.raises(TxRejected):
                check_transaction(Transaction.parse(bytes.fromhex(case[1])))
            counts["refused by our rules"] += 1
            continue
        check = transaction_check(case, flags)
        is_good = failed_input(check.transaction, check.spent, flags) is None
        if is_good:
            assert policy, case
            counts[f"not expressed: {','.join(sorted(policy))}"] += 1
        else:
            counts["refused by the kernel"] += 1
    record_property("tx_invalid", str(dict(counts)))
    assert counts["refused by our rules"] == 9
    assert counts["refused by the kernel"] > 65


# --- taproot ---


def taproot_check(case: dict, outcome: dict) -> ScriptCheck:
    transaction = Transaction.parse(bytes.fromhex(case["tx"]))
    spent = []
    for text in case["prevouts"]:
        raw = bytes.fromhex(text)
        length, at = decode_compact(raw, 8)
        spent.append(TxOut(int.from_bytes(raw[:8], "little", signed=True), raw[at : at + length]))
    index = case["index"]
    inputs, stacks = list(transaction.inputs), [()] * len(transaction.inputs)
    inputs[index] = inputs[index]._replace(script_sig=bytes.fromhex(outcome["scriptSig"]))
    stacks[index] = tuple(bytes.fromhex(item) for item in outcome["witness"])
    signed = Transaction(transaction.version, tuple(inputs), transaction.outputs, transaction.lock_time, tuple(stacks))
    return ScriptCheck(signed, spent, flags_of(case["flags"])[0])


def is_input_good(check: ScriptCheck, index: int) -> bool:
    """The cases sign one input; the others are empty."""
    return failed_input(check.transaction, check.spent, check.flags, [index]) is None


def test_taproot_vectors(data, record_property):
    counts: Counter[str] = Counter()
    for case in json.loads((data / "vectors" / "taproot_sample.json").read_text()):
        index = case["index"]
        assert is_input_good(taproot_check(case, case["success"]), index), case["comment"]
        counts["good"] += 1
        if "failure" in case:
            assert not is_input_good(taproot_check(case, case["failure"]), index), case["comment"]
            counts["bad"] += 1
    record_property("taproot_sample", str(dict(counts)))
    assert counts == {"good": 276, "bad": 247}


# --- base58 ---


def test_base58_vectors(data, record_property):
    vectors = cases(data, "base58_encode_decode")
    for plain, text in vectors:
        assert encode_base58(bytes.fromhex(plain)) == text
        assert decode_base58(text) == bytes.fromhex(plain)
    record_property("base58", f"{len(vectors)} vectors")
    assert len(vectors) == 21
