"""Networks as TOML text, inwards: takes the mapping that tomllib gives. toml_text writes what this reads.

Touches no file. What is left out takes the defaults of a new network (work alone, every soft fork active from the
genesis). A mistake raises MisuseError that names its key.
"""

import re
from collections.abc import Mapping
from typing import Final

from minicoin.core.encoding.base58 import decode_base58
from minicoin.core.encoding.hashes import hash_from_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MANUAL_ADDRESSES_MAX, SIGNED_RECORD_SIGNATURES_MAX
from minicoin.core.params.genesis import GenesisRecipe
from minicoin.core.params.models import ModelForm, SettingProblem, SettingValue
from minicoin.core.params.network import (
    COINBASE_MATURITY,
    DROP_AFTER_S,
    MAGIC_BYTES,
    OVERLAY,
    PING_AFTER_S,
    KeyFormat,
    Network,
)
from minicoin.core.params.rules import (
    RULE_NAMES,
    WORK,
    Activation,
    Buried,
    Deployments,
    ProofKind,
    Retarget,
    RetargetKind,
    SignersKind,
    SignetKind,
    VersionBits,
)
from minicoin.core.params.signers_toml import check_signers, read_signers
from minicoin.core.params.table import TomlTable
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.units import MONEY_MAX_SAT

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
BITCOIN_PREFIXES: Final = frozenset({"bc", "tb", "bcrt", "sb"})
"""Of segwit addresses on Bitcoin's own networks and on btcd's simnet."""

_HRP = re.compile(r"[a-z0-9]{1,20}")
_U32: Final = (1 << 32) - 1
_HEIGHT_MAX: Final = (1 << 31) - 1
_YEAR_S: Final = 366 * 24 * 3600
_VOTE_BIT_MAX: Final = 28


class GenesisUnmined(MisuseError):
    """The genesis block lacks its work: something of it was changed, and its nonce is to be found anew."""

    def __init__(self, message: str, recipe: GenesisRecipe) -> None:
        super().__init__(message)
        self.recipe = recipe


def network_from_mapping(mapping: Mapping[str, object], models: Mapping[str, ModelForm]) -> Network:
    """The network that a parsed file describes; `models` are the network models there are, by name. Raises
    MisuseError."""
    table = TomlTable(mapping, "")
    overlay = _overlay(table, models)
    address_format = _address_format(table.table("address"))
    proof = _proof(table.table("proof"), address_format)
    is_signed = isinstance(proof, SignersKind)
    network = Network(
        name=_matching(table, "name", _NAME, "1 to 32 lower-case letters, digits and hyphens"),
        genesis_recipe=_genesis(table.table("genesis")),
        pow_limit=int.from_bytes(table.octets("pow_limit", 32), "big"),
        spacing_s=table.integer("spacing_s", 1, _YEAR_S),
        retarget=_retarget(table.table("retarget")),
        address_format=address_format,
        keys=_keys(table.table("keys")),
        default_port=table.integer("default_port", 1, 65535),
        rpc_port=table.integer("rpc_port", 1, 65535),
        proof=proof,
        subsidy_sat=table.integer("subsidy_sat", 0, MONEY_MAX_SAT),
        halving_interval=table.integer("halving_interval", 1, _HEIGHT_MAX),
        # What is final cannot vanish from under those who spent it.
        coinbase_maturity=table.integer("coinbase_maturity", 1, _HEIGHT_MAX, 1 if is_signed else COINBASE_MATURITY),
        deployments=_deployments(table.table("deployments"), table.table("signals")),
        base_script_flags=(
            _script_flags(table, "base_script_flags") if "base_script_flags" in table else int(ScriptFlag.ALL)
        ),
        script_flag_exceptions=_flag_exceptions(table.table("script_flag_exceptions")),
        bip30_exceptions=_heights(table.table("bip30_exceptions")),
        bip34_hash=table.block_hash("bip34_hash") if "bip34_hash" in table else None,
        checkpoints=_heights(table.table("checkpoints")),
        assume_valid=table.block_hash("assume_valid") if "assume_valid" in table else None,
        minimum_chainwork=int.from_bytes(table.octets("minimum_chainwork", 32, "00" * 32), "big"),
        dns_seeds=table.texts("dns_seeds"),
        nodes=table.texts("nodes"),
        alert_keys=_signers(table, "alert_keys"),
        founders=_signers(table, "founders"),
        founder_quorum=table.integer("founder_quorum", 0, SIGNED_RECORD_SIGNATURES_MAX, 0),
        allow_private_addresses=table.flag("allow_private_addresses", False),
        uses_mdns=table.flag("uses_mdns", False),
        overlay=overlay,
        overlay_settings=_overlay_settings(table.table("overlay_settings"), models[overlay]),
        own_messages=table.flag("own_messages", is_signed or models[overlay].needs_messages),
        ping_after_s=table.integer("ping_after_s", 1, _YEAR_S, PING_AFTER_S),
        drop_after_s=table.integer("drop_after_s", 1, _YEAR_S, DROP_AFTER_S),
        own_magic=table.octets("magic", MAGIC_BYTES) if "magic" in table else None,
    )
    table.finish()
    _check(network, table)
    check_signers(network, table)
    _check_messages(network, table, models[overlay])
    return network


def _check(network: Network, table: TomlTable) -> None:
    """What holds between keys."""
    header = network.genesis.header
    target = bits_to_target(header.bits)
    if target is None or target > network.pow_limit:
        raise table.wrong("genesis.bits", f"{header.bits:#010x} is easier than pow_limit, or no target")
    if not meets_target(header.hash, target):
        raise GenesisUnmined(
            str(table.wrong("genesis.nonce", f"{header.nonce} does not give the genesis block its work")),
            network.genesis_recipe,
        )
    if network.uses_mdns and not network.allow_private_addresses:
        raise table.wrong("uses_mdns", "needs allow_private_addresses: what the local link names is mostly private")
    if network.drop_after_s <= network.ping_after_s:
        raise table.wrong("drop_after_s", f"must be greater than ping_after_s ({network.ping_after_s})")
    if network.address_format.hrp in BITCOIN_PREFIXES and not network.is_bitcoin:
        raise table.wrong(
            "address.hrp", f"{network.address_format.hrp!r} is Bitcoin's own: addresses must not look like Bitcoin's"
        )
    segwit, taproot = (_first_height(rule) for rule in (network.deployments.segwit, network.deployments.taproot))
    if taproot < segwit:
        raise table.wrong("deployments.taproot", "needs segwit, which must be active first, or at the same height")
    if not bool(network.founders) <= network.founder_quorum <= len(network.founders):
        raise table.wrong("founder_quorum", f"must be 1 to the number of founders ({len(network.founders)})")
    if len(network.nodes) > MANUAL_ADDRESSES_MAX:
        raise table.wrong("nodes", f"holds {len(network.nodes)} addresses, at most {MANUAL_ADDRESSES_MAX}")
    if network.default_port == network.rpc_port:
        raise table.wrong("rpc_port", f"must differ from default_port ({network.default_port})")


def _first_height(rule: Activation) -> int:
    """From where a rule may hold at the earliest."""
    if isinstance(rule, VersionBits):
        return rule.min_activation_height
    return _HEIGHT_MAX + 1 if rule.height is None else rule.height


def _check_messages(network: Network, table: TomlTable, model: ModelForm) -> None:
    if model.needs_messages and not network.own_messages:
        raise table.wrong("own_messages", f"must be true: the network model {network.overlay} has messages of its own")
    if network.own_messages and network.is_bitcoin:
        raise table.wrong("own_messages", "cannot be true with a magic: Bitcoin's networks speak Bitcoin's messages")


def _overlay(table: TomlTable, models: Mapping[str, ModelForm]) -> str:
    name = table.text("overlay", OVERLAY)
    if name not in models:
        raise table.wrong("overlay", f"must be one of {', '.join(models)}, not {name!r}")
    return name


def _overlay_settings(table: TomlTable, model: ModelForm) -> tuple[tuple[str, SettingValue], ...]:
    try:
        return model.check(table.rest())
    except SettingProblem as problem:
        raise table.wrong(problem.name, problem.problem) from problem


def _genesis(table: TomlTable) -> GenesisRecipe:
    recipe = GenesisRecipe(
        message=table.text("message"),
        time=table.integer("time", 0, _U32),
        bits=table.integer("bits", 0, _U32),
        nonce=table.integer("nonce", 0, _U32),
        output_script=table.octets("output_script", default="6a"),
        reward_sat=table.integer("reward_sat", 0, MONEY_MAX_SAT),
        version=table.integer("version", -(1 << 31), (1 << 31) - 1, 1),
    )
    table.finish()
    return recipe


def _proof(table: TomlTable, form: AddressFormat) -> ProofKind:
    kind = table.text("kind", "work")
    proof: ProofKind = WORK
    if kind == "signet":
        proof = SignetKind(table.octets("challenge"))
    elif kind == "signers":
        proof = read_signers(table, form)
    elif kind != "work":
        raise table.wrong("kind", f"must be work, signet or signers, not {kind!r}")
    table.finish()
    return proof


def _retarget(table: TomlTable) -> Retarget:
    name = table.text("kind")
    if name not in list(RetargetKind):
        raise table.wrong("kind", f"must be one of {', '.join(RetargetKind)}, not {name!r}")
    default = Retarget(RetargetKind(name))
    rule = Retarget(
        kind=default.kind,
        interval=table.integer("interval", 2, _HEIGHT_MAX, default.interval),
        timespan_s=table.integer("timespan_s", 4, 100 * _YEAR_S, default.timespan_s),
        half_life_s=table.integer("half_life_s", 1, _YEAR_S, default.half_life_s),
        anchor_height=table.integer("anchor_height", 1, _HEIGHT_MAX, default.anchor_height),
        allow_min_difficulty=table.flag("allow_min_difficulty", default.allow_min_difficulty),
    )
    table.finish()
    return rule


def _address_format(table: TomlTable) -> AddressFormat:
    form = AddressFormat(
        p2pkh=table.integer("p2pkh", 0, 255),
        p2sh=table.integer("p2sh", 0, 255),
        hrp=_matching(table, "hrp", _HRP, "1 to 20 lower-case letters and digits"),
    )
    table.finish()
    if form.p2pkh == form.p2sh:
        raise table.wrong("p2sh", f"must differ from p2pkh ({form.p2pkh})")
    return form


def _keys(table: TomlTable) -> KeyFormat:
    form = KeyFormat(
        wif=table.integer("wif", 0, 255),
        bip32_public=table.octets("bip32_public", 4, "043587cf"),
        bip32_private=table.octets("bip32_private", 4, "04358394"),
        bip44_coin_type=table.integer("bip44_coin_type", 0, _HEIGHT_MAX, 1),
    )
    table.finish()
    return form


def _deployments(table: TomlTable, signals: TomlTable) -> Deployments:
    bip34, bip65, bip66 = (_buried(table, name) for name in RULE_NAMES[:3])
    csv, segwit, taproot = (_activation(table, name) for name in RULE_NAMES[3:])
    table.finish()
    extra = tuple((name, _vote(signals.table(name))) for name in signals.keys)
    for name, _ in extra:
        if not _NAME.fullmatch(name) or name in RULE_NAMES:
            raise signals.wrong(name, "must have a name of its own, of lower-case letters, digits and hyphens")
    return Deployments(bip34, bip65, bip66, csv, segwit, taproot, extra)


def _buried(table: TomlTable, name: str) -> Buried:
    return Buried(table.integer_or_never(name, 0, _HEIGHT_MAX, 0))


def _activation(table: TomlTable, name: str) -> Activation:
    return _vote(table.table(name)) if table.is_table(name) else _buried(table, name)


def _vote(table: TomlTable) -> VersionBits:
    window = table.integer("window", 1, _HEIGHT_MAX)
    rule = VersionBits(
        bit=table.integer("bit", 0, _VOTE_BIT_MAX),
        start_time=table.integer("start_time", 0, _U32),
        timeout=table.integer("timeout", 0, _U32) if "timeout" in table else None,
        window=window,
        threshold=table.integer("threshold", 1, window),
        min_activation_height=table.integer("min_activation_height", 0, _HEIGHT_MAX, 0),
    )
    table.finish()
    return rule


def _script_flags(table: TomlTable, key: str) -> int:
    flags = ScriptFlag.NONE
    for name in table.texts(key):
        if name not in ScriptFlag.__members__:
            raise table.wrong(key, f"holds {name!r}; known are {', '.join(ScriptFlag.__members__)}")
        flags |= ScriptFlag[name]
    return int(flags)


def _flag_exceptions(table: TomlTable) -> tuple[tuple[BlockHash, int], ...]:
    return tuple((_hash_of_key(table, key), _script_flags(table, key)) for key in table.keys)


def _hash_of_key(table: TomlTable, key: str) -> BlockHash:
    try:
        return BlockHash(hash_from_hex(key))
    except DecodeError as error:
        raise table.wrong(key, f"is no block hash: {error}") from error


def _heights(table: TomlTable) -> tuple[tuple[int, BlockHash], ...]:
    pairs: list[tuple[int, BlockHash]] = []
    for key in table.keys:
        if not (key.isascii() and key.isdigit()):
            raise table.wrong(key, "must be a height")
        pairs.append((int(key), table.block_hash(key)))
    return tuple(pairs)


def _signers(table: TomlTable, key: str) -> tuple[bytes, ...]:
    """Peer ids that hold their keys."""
    signers: list[bytes] = []
    for text in table.texts(key):
        try:
            signer = decode_base58(text)
        except DecodeError:
            signer = b""
        # The identity multihash: what stands behind its two bytes is the key's message, whose first field is 1.
        if not signer.startswith(b"\0") or signer[1:2] != bytes((len(signer) - 2 & 0xFF,)) or signer[2:3] != b"\x08":
            raise table.wrong(key, f"must hold peer ids with their keys, such as 12D3KooW..., not {text!r}")
        if signer in signers:
            raise table.wrong(key, f"holds {text} twice")
        signers.append(signer)
    if len(signers) > SIGNED_RECORD_SIGNATURES_MAX:
        raise table.wrong(key, f"holds {len(signers)} peer ids, at most {SIGNED_RECORD_SIGNATURES_MAX}")
    return tuple(signers)


def _matching(table: TomlTable, key: str, pattern: re.Pattern[str], meaning: str, default: str | None = None) -> str:
    text = table.text(key, default)
    if not pattern.fullmatch(text):
        raise table.wrong(key, f"must be {meaning}, not {text!r}")
    return text
