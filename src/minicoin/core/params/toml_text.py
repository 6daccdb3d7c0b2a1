"""Networks as TOML text, outwards: writes every key, so that a file shows all there is to choose."""

from collections.abc import Iterable

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.models import SettingValue
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Activation, Buried, ProofKind, SignersKind, SignetKind, WorkKind
from minicoin.core.params.signers_toml import signers_lines
from minicoin.core.params.table import NEVER_TEXT, quote
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.script_flags import ScriptFlag


def network_to_toml(network: Network) -> str:
    """The text that network_from_mapping reads back as an equal network."""
    sections = [
        "\n".join((f"# network id {network.network_id.hex()}", *_head(network))),
        _section("overlay_settings", [f"{name} = {_setting(value)}" for name, value in network.overlay_settings]),
        _section("genesis", _genesis(network)),
        _section("proof", _proof(network.proof, network.address_format)),
        _section("retarget", _retarget(network)),
        _section(
            "address",
            [
                f"p2pkh = {network.address_format.p2pkh}",
                f"p2sh = {network.address_format.p2sh}",
                f"hrp = {quote(network.address_format.hrp)}",
            ],
        ),
        _section("keys", _keys(network)),
        _section("deployments", [f"{name} = {_activation(rule)}" for name, rule in network.deployments.rules()]),
        _section("signals", [f"{name} = {_activation(rule)}" for name, rule in network.deployments.extra]),
        _section(
            "script_flag_exceptions",
            [f"{quote(hash_to_hex(block))} = {_flags(flags)}" for block, flags in network.script_flag_exceptions],
        ),
        _section("bip30_exceptions", _heights(network.bip30_exceptions)),
        _section("checkpoints", _heights(network.checkpoints)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(network: Network) -> list[str]:
    lines = [
        f"name = {quote(network.name)}",
        f'pow_limit = "{network.pow_limit:064x}"',
        f"spacing_s = {network.spacing_s}",
        f"subsidy_sat = {network.subsidy_sat}",
        f"halving_interval = {network.halving_interval}",
        f"coinbase_maturity = {network.coinbase_maturity}",
        f"base_script_flags = {_flags(network.base_script_flags)}",
        f"default_port = {network.default_port}",
        f"rpc_port = {network.rpc_port}",
        f"allow_private_addresses = {str(network.allow_private_addresses).lower()}",
        f"uses_mdns = {str(network.uses_mdns).lower()}",
        f"overlay = {quote(network.overlay)}",
        f"own_messages = {str(network.own_messages).lower()}",
        f"ping_after_s = {network.ping_after_s}",
        f"drop_after_s = {network.drop_after_s}",
        f"dns_seeds = {_list(network.dns_seeds)}",
        f"nodes = {_list(network.nodes)}",
        f"alert_keys = {_list(map(encode_base58, network.alert_keys))}",
        f"founders = {_list(map(encode_base58, network.founders))}",
        f"founder_quorum = {network.founder_quorum}",
        f'minimum_chainwork = "{network.minimum_chainwork:064x}"',
    ]
    if network.own_magic is not None:
        lines.append(f'magic = "{network.own_magic.hex()}"')
    if network.bip34_hash is not None:
        lines.append(f'bip34_hash = "{hash_to_hex(network.bip34_hash)}"')
    if network.assume_valid is not None:
        lines.append(f'assume_valid = "{hash_to_hex(network.assume_valid)}"')
    return lines


def _setting(value: SettingValue) -> str:
    if isinstance(value, int):
        return str(value)
    return quote(value) if isinstance(value, str) else _list(value)


def _genesis(network: Network) -> list[str]:
    recipe = network.genesis_recipe
    return [
        f"message = {quote(recipe.message)}",
        f"time = {recipe.time}",
        f"bits = {recipe.bits:#010x}",
        f"nonce = {recipe.nonce}",
        f'output_script = "{recipe.output_script.hex()}"',
        f"reward_sat = {recipe.reward_sat}",
        f"version = {recipe.version}",
    ]


def _proof(proof: ProofKind, form: AddressFormat) -> list[str]:
    match proof:
        case WorkKind():
            return ['kind = "work"']
        case SignetKind(challenge):
            return ['kind = "signet"', f'challenge = "{challenge.hex()}"']
        case SignersKind():
            return signers_lines(proof, form)


def _retarget(network: Network) -> list[str]:
    rule = network.retarget
    return [
        f'kind = "{rule.kind}"',
        f"interval = {rule.interval}",
        f"timespan_s = {rule.timespan_s}",
        f"half_life_s = {rule.half_life_s}",
        f"anchor_height = {rule.anchor_height}",
        f"allow_min_difficulty = {str(rule.allow_min_difficulty).lower()}",
    ]


def _keys(network: Network) -> list[str]:
    keys = network.keys
    return [
        f"wif = {keys.wif}",
        f'bip32_public = "{keys.bip32_public.hex()}"',
        f'bip32_private = "{keys.bip32_private.hex()}"',
        f"bip44_coin_type = {keys.bip44_coin_type}",
    ]


def _activation(rule: Activation) -> str:
    if isinstance(rule, Buried):
        return quote(NEVER_TEXT) if rule.height is None else str(rule.height)
    pairs = [
        f"bit = {rule.bit}",
        f"start_time = {rule.start_time}",
        *([] if rule.timeout is None else [f"timeout = {rule.timeout}"]),
        f"window = {rule.window}",
        f"threshold = {rule.threshold}",
        f"min_activation_height = {rule.min_activation_height}",
    ]
    return "{ " + ", ".join(pairs) + " }"


def _heights(pairs: Iterable[tuple[int, BlockHash]]) -> list[str]:
    return [f"{height} = {quote(hash_to_hex(block))}" for height, block in pairs]


def _flags(flags: int) -> str:
    return _list(flag.name for flag in ScriptFlag(flags) if flag.name is not None)


def _section(name: str, lines: list[str]) -> str:
    return "\n".join((f"[{name}]", *lines)) if lines else ""


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(quote(text) for text in texts) + "]"
