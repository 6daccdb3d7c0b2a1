"""Transactions that are offered together: tried without being taken in, or submitted as a package."""

from collections.abc import Sequence

from minicoin.core.answers import NOT_VALIDATED, MemberResult, PackageResult
from minicoin.core.commands import SubmitPackage
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, make_outpoint, outpoint_txid
from minicoin.core.primitives.verdicts import TxReason, TxVerdict
from minicoin.core.queries.mempool import Admission
from minicoin.rpc.errors import INVALID_PARAMETER, VERIFY_ERROR, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_amount, parse_feerate
from minicoin.rpc.methods.transactions import MAX_BURN, MAX_FEERATE, parse_transaction_hex, refuse_burning
from minicoin.rpc.shapes import JsonObject

_MEMBERS_MAX = 25
_WEIGHT_MAX = 404_000


async def test_mempool_accept(call: Call) -> Json:
    transactions = _parse_transactions(call, "rawtxs")
    max_feerate = parse_feerate(call.value("maxfeerate"), "maxfeerate")
    rows: list[JsonObject] = [{"txid": hash_to_hex(one.txid), "wtxid": hash_to_hex(one.wtxid)} for one in transactions]
    problem = _disorder(transactions)
    if problem:
        for row in rows:
            row["package-error"] = problem
        return list[Json](rows)
    verdicts: list[TxVerdict] = []
    sizes: list[int] = []
    for transaction, row in zip(transactions, rows, strict=True):
        is_together = len(transactions) > 1
        admission, verdict = await _try(call, transaction, verdicts, is_together=is_together)
        if admission.reason or verdict is None:
            row |= _refusal(admission)
            break
        verdicts.append(verdict)
        sizes.append(admission.vsize)
        if max_feerate and verdict.fee_sat * 1_000 > max_feerate * admission.vsize:
            row |= {"allowed": False, "reject-reason": "max-fee-exceeded"}
            break
    # All or none: what would stand there alone is not said to be allowed.
    if len(verdicts) == len(transactions) and "allowed" not in rows[-1]:
        for row, verdict, vsize in zip(rows, verdicts, sizes, strict=True):
            row |= _allowance(verdict, vsize)
    return list[Json](rows)


async def _try(
    call: Call, transaction: Transaction, before: list[TxVerdict], *, is_together: bool
) -> tuple[Admission, TxVerdict | None]:
    """What the mempool would say behind those `before`, and the verdict where it came to one."""
    admission = await call.port.query(lambda node: node.mempool.check(transaction))
    if admission.reason:
        return admission, None
    parents = await call.port.query(lambda node: node.mempool.unconfirmed_parents(transaction))
    made = {
        make_outpoint(one.transaction.txid, index): output
        for one in before
        for index, output in enumerate(one.transaction.outputs)
    }
    spent = (spend.outpoint for spend in transaction.inputs)
    parents += tuple((name, made[name]) for name in spent if name in made)
    verdict = await call.port.read_chain(lambda chain: chain.verify_transaction(transaction, parents))
    if is_together:
        return await call.port.query(lambda node: node.mempool.judge_together([*before, verdict])), verdict
    return await call.port.query(lambda node: node.mempool.judge(verdict)), verdict


def _refusal(admission: Admission) -> JsonObject:
    if admission.reason == TxReason.MISSING_OR_SPENT:
        return {"allowed": False, "reject-reason": "missing-inputs"}
    details = f"{admission.reason}{', ' + admission.detail if admission.detail else ''}"
    return {"allowed": False, "reject-reason": admission.reason, "reject-details": details}


def _allowance(verdict: TxVerdict, vsize: int) -> JsonObject:
    fees: JsonObject = {
        "base": Amount(verdict.fee_sat),
        "effective-feerate": Amount(verdict.fee_sat * 1_000 // vsize),
        "effective-includes": [hash_to_hex(verdict.transaction.wtxid)],
    }
    return {"allowed": True, "vsize": vsize, "fees": fees}


def _parse_transactions(call: Call, name: str) -> tuple[Transaction, ...]:
    texts = call.array(name)
    if not 1 <= len(texts) <= _MEMBERS_MAX:
        raise RpcError(INVALID_PARAMETER, f"Array must contain between 1 and {_MEMBERS_MAX} transactions.")
    return tuple(parse_transaction_hex(text, name) for text in texts)


def _disorder(transactions: Sequence[Transaction]) -> str:
    """Why these are no package, whatever is in them: Core's word for it, or nothing."""
    if len(transactions) > 1 and sum(one.weight for one in transactions) > _WEIGHT_MAX:
        return "package-too-large"
    later = {one.txid for one in transactions}
    if len(later) < len(transactions):
        return "package-contains-duplicates"
    spent: set[Outpoint] = set()
    for one in transactions:
        if any(outpoint_txid(spend.outpoint) in later for spend in one.inputs):
            return "package-not-sorted"
        later.discard(one.txid)
        names = {spend.outpoint for spend in one.inputs}
        if names & spent:
            return "conflict-in-package"
        spent |= names
    return ""


async def submit_package(call: Call) -> Json:
    transactions = _parse_transactions(call, "package")
    max_feerate = parse_feerate(call.value("maxfeerate"), "maxfeerate")
    for transaction in transactions:
        refuse_burning(transaction, parse_amount(call.value("maxburnamount"), "maxburnamount"))
    if not _is_child_with_parents(transactions):
        problem = "package topology disallowed. not child-with-parents or parents depend on each other."
        raise RpcError(VERIFY_ERROR, problem)
    absurd = await _too_dear(call, transactions, max_feerate) if max_feerate else set()
    if absurd:
        errors = ["max feerate exceeded" if one.txid in absurd else NOT_VALIDATED for one in transactions]
        members = map(MemberResult, transactions, errors)
        return _package_json(PackageResult(tuple(members)))
    return _package_json(await call.port.command(SubmitPackage(transactions)))


def _is_child_with_parents(transactions: Sequence[Transaction]) -> bool:
    """Whether all but the last are spent by the last, and by no other of them."""
    *parents, child = transactions
    names = {parent.txid for parent in parents}
    spent = {outpoint_txid(spend.outpoint) for spend in child.inputs}
    among = {outpoint_txid(spend.outpoint) for parent in parents for spend in parent.inputs}
    return len(names) == len(parents) and names <= spent and not names & among and child.txid not in names


async def _too_dear(call: Call, transactions: Sequence[Transaction], max_feerate: int) -> set[Txid]:
    """Those that pay more per virtual byte than the caller allows, as far as their inputs are known."""
    outputs = {
        make_outpoint(one.txid, index): output for one in transactions for index, output in enumerate(one.outputs)
    }
    names = [spend.outpoint for one in transactions for spend in one.inputs if spend.outpoint not in outputs]
    in_pool = await call.port.query(lambda node: {name: node.mempool.output(name) for name in names})
    coins = await call.port.read_chain(lambda chain: {name: chain.coin(name) for name in names})
    outputs |= {name: output for name, output in in_pool.items() if output is not None}
    outputs |= {name: coin.output for name, coin in coins.items() if coin is not None}
    found: set[Txid] = set()
    for one in transactions:
        spent = [outputs.get(spend.outpoint) for spend in one.inputs]
        known = [output.value for output in spent if output is not None]
        fee = sum(known) - sum(output.value for output in one.outputs)
        if len(known) == len(spent) and fee * 1_000 > max_feerate * one.vsize:
            found.add(one.txid)
    return found


def _package_json(result: PackageResult) -> JsonObject:
    rows: JsonObject = {}
    for member in result.members:
        row: JsonObject = {"txid": hash_to_hex(member.transaction.txid)}
        if member.error:
            row["error"] = member.error
        elif member.other is not None:
            row["other-wtxid"] = hash_to_hex(member.other)
        else:
            fees: JsonObject = {"base": Amount(member.fee_sat)}
            if member.paid_vsize:
                fees["effective-feerate"] = Amount(member.paid_sat * 1_000 // member.paid_vsize)
                fees["effective-includes"] = [hash_to_hex(wtxid) for wtxid in member.paid_with]
            row |= {"vsize": member.vsize, "fees": fees}
        rows[hash_to_hex(member.transaction.wtxid)] = row
    replaced: list[Json] = [hash_to_hex(txid) for txid in result.replaced]
    message = "transaction failed" if any(member.error for member in result.members) else "success"
    return {"package_msg": message, "tx-results": rows, "replaced-transactions": replaced}


METHODS = (
    Method(
        "testmempoolaccept",
        Category.RAW,
        "Whether the mempool would take transactions, each behind those before it, without taking them.",
        "An array of objects: txid, wtxid, allowed, vsize, fees, reject-reason, reject-details; or package-error.",
        test_mempool_accept,
        (
            Argument("rawtxs", Kind.ARRAY, "Transactions as hex, parents before children."),
            optional("maxfeerate", Kind.AMOUNT, MAX_FEERATE, "Refuse a higher feerate (coins per 1,000 vB); 0: any."),
        ),
    ),
    Method(
        "submitpackage",
        Category.RAW,
        "Offers a transaction together with unconfirmed parents, so that it may pay for them; announces what enters.",
        "An object: package_msg, tx-results by wtxid, replaced-transactions.",
        submit_package,
        (
            Argument("package", Kind.ARRAY, "Transactions as hex, the parents first and the child last."),
            optional("maxfeerate", Kind.AMOUNT, MAX_FEERATE, "Refuse a higher feerate (coins per 1,000 vB); 0: any."),
            MAX_BURN,
        ),
    ),
)
