"""Values as Bitcoin Core's options write them: switches, fees in coins, comments.

Owns the grammar only; which option takes which, and its default, stands in options.
"""

import ipaddress
import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from minicoin.core.limits import USER_AGENT_BYTES_MAX
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT

_COINS: Final = re.compile(r"\d{1,8}(\.\d{1,8})?\Z", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_HEX: Final = re.compile(r"(0x)?[0-9a-fA-F]{1,64}\Z")
_COMMENT: Final = re.compile(r"[A-Za-z0-9 .,;_?@-]*\Z")
_ACTIVATION: Final = re.compile(r"([a-z0-9]+)@(\d{1,9})\Z", re.ASCII)


def parse_switch(value: object) -> bool:
    """On or off: 1 and 0, as Bitcoin Core writes them, or a boolean of TOML. An empty text is on."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if not isinstance(value, str):
        raise ValueError("must be 0 or 1")
    if not value:
        return True
    found = _NUMBER.match(value)
    return found is not None and int(found[0]) != 0


def parse_feerate(value: object) -> int:
    """Coins per 1,000 virtual bytes, in satoshi: a plain decimal with at most eight places."""
    text = f"{value:.8f}" if isinstance(value, float) else str(value)
    if isinstance(value, bool) or _COINS.match(text) is None:
        raise ValueError(f"invalid amount '{text}': coins per 1,000 virtual bytes, such as 0.00001")
    sat = int(Decimal(text) * COIN_SAT)
    if sat > MONEY_MAX_SAT:
        raise ValueError(f"invalid amount '{text}': more than there are coins")
    return sat


def parse_work(value: object) -> int:
    """A chain's work, as hexadecimal digits."""
    text = str(value)
    if _HEX.match(text) is None:
        raise ValueError(f"Invalid minimum work specified ({text}), must be up to 64 hex digits")
    return int(text, 16)


def parse_block_hash(value: object) -> bytes:
    """A block, or 0 for none."""
    text = str(value)
    if _HEX.match(text) is None:
        raise ValueError(f"Invalid assumevalid block hash specified ({text}), must be up to 64 hex digits (or 0)")
    return bytes.fromhex(text.removeprefix("0x").rjust(64, "0"))[::-1]


def parse_activation(value: object) -> tuple[str, int]:
    """A deployment with the height of its first block: NAME@HEIGHT."""
    found = _ACTIVATION.match(str(value))
    if found is None:
        raise ValueError(f"Invalid format ({value}), must be NAME@HEIGHT")
    return found[1], int(found[2])


Switch = Annotated[bool, BeforeValidator(parse_switch)]
Feerate = Annotated[int, BeforeValidator(parse_feerate)]
"""In satoshi per 1,000 virtual bytes."""
ChainWork = Annotated[int, BeforeValidator(parse_work)]
AssumedBlock = Annotated[bytes, BeforeValidator(parse_block_hash)]
ActivationHeight = Annotated[tuple[str, int], BeforeValidator(parse_activation)]


def make_user_agent(program: str, version: str, comments: tuple[str, ...]) -> str:
    """BIP14's form. Raises ValueError for comments that a peer's terminal may choke on, or that are too long."""
    for comment in comments:
        if _COMMENT.match(comment) is None:
            raise ValueError(f"User Agent comment ({comment}) contains unsafe characters.")
    remarks = f"({'; '.join(comments)})" if comments else ""
    found = f"/{program}:{version}{remarks}/"
    if len(found) > USER_AGENT_BYTES_MAX:
        raise ValueError(
            f"Total length of network version string ({len(found)}) exceeds maximum length ({USER_AGENT_BYTES_MAX}). "
            "Reduce the number or size of uacomments."
        )
    return found


def check_loopback(text: str) -> str:
    """A network whose clients may call. Raises ValueError outside of this machine."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            f"Invalid -rpcallowip subnet specification: {text}. Valid values are a single IP (e.g. 1.2.3.4) or a "
            "network (e.g. 1.2.3.4/24)."
        ) from error
    if not network.is_loopback:
        raise ValueError(
            f"rpcallowip {text} reaches beyond this machine, and RPC speaks no TLS yet: passwords would travel in the "
            "clear; use an SSH tunnel"
        )
    return text
