"""The part of a network file that is about signers, inwards and outwards: `[proof] kind = "signers"` and its tables.

    [proof]
    kind = "signers"
    admission = "..."                  # hexadecimal or base64; empty: anybody may connect

    [[proof.members]]
    name = "Bank A"
    key = "..."                        # x-only, hexadecimal

    [[proof.allocation]]
    address = "..."                    # or script = "...", in hexadecimal
    amount_sat = 100_000_000

Members stand in any order, and are read into the order of their keys; the allocation's order is its own. Where the
operator names recoveries, `recoveries` holds them in hexadecimal.
"""

from base64 import b64decode
from binascii import Error as Base64Error

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import (
    ALLOCATION_OUTPUTS_MAX,
    ALLOCATION_SCRIPT_BYTES_MAX,
    MEMBER_NAME_BYTES_MAX,
    MEMBERS_MAX,
    RECOVERIES_NAMED_MAX,
)
from minicoin.core.params.network import Network
from minicoin.core.params.rules import (
    EMPTY_AFTER_S,
    MIN_INTERVAL_S,
    PRECOMMIT_TIMEOUT_MS,
    PREVOTE_TIMEOUT_MS,
    PROPOSE_TIMEOUT_MS,
    SIGNERS_BITS,
    TIMEOUT_STEP_MS,
    Buried,
    Deployments,
    RetargetKind,
    SignersKind,
)
from minicoin.core.params.settings import (
    EMPTY_AFTER,
    MIN_INTERVAL,
    PRECOMMIT_TIMEOUT,
    PREVOTE_TIMEOUT,
    PROPOSE_TIMEOUT,
    TIMEOUT_STEP,
    SettingRow,
)
from minicoin.core.params.table import TomlTable, quote
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.script.standard import AddressError, address_script, script_address
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.recovery import Recovery, order_recoveries
from minicoin.core.units import MONEY_MAX_SAT


def read_signers(table: TomlTable, form: AddressFormat) -> SignersKind:
    """What stands beside `kind`. Raises MisuseError that names the key."""
    members = _members(table)
    return SignersKind(
        members=tuple(key for key, _ in members),
        names=tuple(name for _, name in members),
        min_interval_s=_number(table, MIN_INTERVAL, MIN_INTERVAL_S),
        allocation=_allocation(table, form),
        admission=_admission(table),
        propose_timeout_ms=_number(table, PROPOSE_TIMEOUT, PROPOSE_TIMEOUT_MS),
        prevote_timeout_ms=_number(table, PREVOTE_TIMEOUT, PREVOTE_TIMEOUT_MS),
        precommit_timeout_ms=_number(table, PRECOMMIT_TIMEOUT, PRECOMMIT_TIMEOUT_MS),
        timeout_step_ms=_number(table, TIMEOUT_STEP, TIMEOUT_STEP_MS),
        empty_after_s=_number(table, EMPTY_AFTER, EMPTY_AFTER_S),
        recoveries=_recoveries(table),
    )


def _number(table: TomlTable, row: SettingRow, default: int) -> int:
    """What the network is founded with of a setting that its members may change."""
    return table.integer(row.name, row.low, row.high, default)


def _members(table: TomlTable) -> list[tuple[bytes, str]]:
    members: dict[bytes, str] = {}
    for entry in table.tables("members", MEMBERS_MAX):
        name, key = entry.text("name"), entry.octets("key", KEY_BYTES)
        entry.finish()
        if not 1 <= len(name.encode()) <= MEMBER_NAME_BYTES_MAX or not name.isprintable():
            raise entry.wrong("name", f"must have 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown")
        if key in members:
            raise entry.wrong("key", f"is {key.hex()}, which {members[key]} has already")
        if name in members.values():
            raise entry.wrong("name", f"is {name}, and another member has that name already")
        members[key] = name
    if not members:
        raise table.wrong("members", "is missing: name at least one that signs, as [[proof.members]]")
    return sorted(members.items())


def _allocation(table: TomlTable, form: AddressFormat) -> tuple[tuple[bytes, int], ...]:
    paid = tuple(_payment(entry, form) for entry in table.tables("allocation", ALLOCATION_OUTPUTS_MAX))
    total = sum(amount for _, amount in paid)
    if total > MONEY_MAX_SAT:
        raise table.wrong("allocation", f"adds up to {total} satoshi, more than there can be ({MONEY_MAX_SAT})")
    return paid


def _payment(entry: TomlTable, form: AddressFormat) -> tuple[bytes, int]:
    if "script" in entry:
        script = entry.octets("script")
        if not 1 <= len(script) <= ALLOCATION_SCRIPT_BYTES_MAX:
            raise entry.wrong("script", f"must have 1 to {ALLOCATION_SCRIPT_BYTES_MAX} bytes, has {len(script)}")
    else:
        text = entry.text("address")
        try:
            script = address_script(text, form)
        except AddressError as error:
            raise entry.wrong("address", f"{text} is no address of this network: {error}") from error
    amount = entry.integer("amount_sat", 1, MONEY_MAX_SAT)
    entry.finish()
    return script, amount


def _admission(table: TomlTable) -> bytes:
    text = table.text("admission", "")
    try:
        admission = bytes.fromhex(text)
    except ValueError:
        try:
            admission = b64decode(text, validate=True)
        except (Base64Error, ValueError):
            raise table.wrong("admission", "must be hexadecimal or base64") from None
    if not admission:
        return admission
    try:
        version = AdmissionRecord.decode(admission).version
    except DecodeError as error:
        raise table.wrong("admission", f"cannot be read: {error}") from error
    if version:
        raise table.wrong("admission", f"is version {version}: a network file has version 0, which nobody signs")
    return admission


def _recoveries(table: TomlTable) -> tuple[Recovery, ...]:
    texts = table.texts("recoveries")
    if len(texts) > RECOVERIES_NAMED_MAX:
        raise table.wrong("recoveries", f"holds {len(texts)}, at most {RECOVERIES_NAMED_MAX}")
    try:
        return order_recoveries(Recovery.decode(bytes.fromhex(text)) for text in texts)
    except (ValueError, DecodeError, MisuseError) as error:
        raise table.wrong("recoveries", f"cannot be read: {error}") from error


def check_signers(network: Network, table: TomlTable) -> None:
    """What signers ask of the network's other keys. Raises MisuseError that names the key."""
    if not isinstance(network.proof, SignersKind):
        return
    if network.is_bitcoin:
        raise table.wrong("magic", "is for Bitcoin's networks, and members sign no blocks of theirs")
    if not network.own_messages:
        raise table.wrong("own_messages", "must be true: members sign blocks together by messages of their own")
    if network.subsidy_sat:
        raise table.wrong("subsidy_sat", f"must be 0, not {network.subsidy_sat}: only the allocation makes coins")
    if network.retarget.kind is not RetargetKind.NONE:
        raise table.wrong("retarget.kind", f"must be none, not {network.retarget.kind}: signed blocks need no work")
    if network.genesis_recipe.bits != SIGNERS_BITS:
        raise table.wrong("genesis.bits", f"must be {SIGNERS_BITS:#010x}: signed blocks need no work")
    if network.pow_limit_bits != SIGNERS_BITS:
        raise table.wrong("pow_limit", f"must have the bits {SIGNERS_BITS:#010x}: signed blocks need no work")
    if not _is_segwit_from_the_start(network.deployments):
        raise table.wrong("deployments.segwit", "must be 0: certificates lie behind the witness commitment")


def _is_segwit_from_the_start(deployments: Deployments) -> bool:
    # At height 1 at the latest: the genesis block is judged by nobody.
    return isinstance(deployments.segwit, Buried) and deployments.segwit.is_active(1)


def signers_lines(proof: SignersKind, form: AddressFormat) -> list[str]:
    """The lines of the section, all keys."""
    lines = [
        'kind = "signers"',
        f"min_interval_s = {proof.min_interval_s}",
        f"propose_timeout_ms = {proof.propose_timeout_ms}",
        f"prevote_timeout_ms = {proof.prevote_timeout_ms}",
        f"precommit_timeout_ms = {proof.precommit_timeout_ms}",
        f"timeout_step_ms = {proof.timeout_step_ms}",
        f"empty_after_s = {proof.empty_after_s}",
        f'admission = "{proof.admission.hex()}"',
    ]
    if proof.recoveries:
        lines += ["recoveries = [", *(f'  "{one.encode().hex()}",' for one in proof.recoveries), "]"]
    for key, name in zip(proof.members, proof.names, strict=True):
        lines += ["", "[[proof.members]]", f"name = {quote(name)}", f'key = "{key.hex()}"']
    for script, amount in proof.allocation:
        address = script_address(script, form)
        target = f'script = "{script.hex()}"' if address is None else f"address = {quote(address)}"
        lines += ["", "[[proof.allocation]]", target, f"amount_sat = {amount}"]
    return lines
