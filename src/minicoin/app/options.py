"""What an operator may choose for one node: from the command line, a TOML file, and defaults, in that order.

The one place where names, types, ranges and defaults of these choices are written down.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from minicoin.app.core_values import ActivationHeight, AssumedBlock, ChainWork, Feerate, Switch, check_loopback
from minicoin.app.log import DEBUG_AREAS
from minicoin.app.networks import find_network
from minicoin.app.places import DEFAULT_NETWORK, default_datadir
from minicoin.app.toml_file import read_toml
from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    BAN_SCORE,
    BAN_TIME_US,
    BLOCK_WEIGHT_MAX,
    CLOCK_S_MAX,
    INBOUND_SLOTS,
    RECORD_FILE_BYTES_MAX,
    REGISTRY_MAX_AGE_US,
    RPC_KEEP_ALIVE_S,
)
from minicoin.core.params.network import Network
from minicoin.core.params.settings import SETTINGS
from minicoin.core.params.table import NotToml
from minicoin.core.units import SECOND_US
from minicoin.drivers.transport import TransportKind
from minicoin.rpc.auth import SaltedUser

# Keys of the configuration file, spelled as on the command line, where the field has another name.
_FIELD_OF_KEY: Final = {
    "listen": "listen_port",
    "plainport": "plain_port",
    "identity": "identity_file",
    "identityseed": "identity_seed",
    "addnode": "add_nodes",
    "seednode": "seed_nodes",
    "dnsseed": "dns_seed",
    "dns": "nameserver",
    "registryca": "registry_ca",
    "registrycert": "registry_cert",
    "registrykey": "registry_key",
    "registryuser": "registry_user",
    "registrypasswordfile": "registry_password_file",
    "registrytokenfile": "registry_token_file",
    "registrymaxage": "registry_max_age_s",
    "allowpeer": "allow_peers",
    "recovery": "recoveries",
    "rpcport": "rpc_port",
    "rpcbind": "rpc_bind",
    "rpcuser": "rpc_user",
    "rpcpassword": "rpc_password",
    "banscore": "ban_score",
    "bantime": "ban_time_s",
    "maxinbound": "inbound_slots",
    "scriptthreads": "script_threads",
    "mininginterval": "mining_interval_s",
    "recordmaxmb": "record_max_mb",
    "jsonlogs": "log_json",
    "logfile": "log_file",
    "signfrom": "sign_from",
}

_PATH_KEYS: Final = frozenset(
    {
        "datadir",
        "identity",
        "record",
        "logfile",
        "anchor",
        "registryca",
        "registrycert",
        "registrykey",
        "registrypasswordfile",
        "registrytokenfile",
    }
)


class NodeOptions(BaseModel):
    """Everything `startnode` may be told. None: what follows from the network."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    network: str = DEFAULT_NETWORK
    datadir: Path | None = None
    listen: bool = True
    listen_port: int | None = Field(None, ge=0, le=65535)
    bind: tuple[str, ...] = ()
    transport: TransportKind | None = Field(None, strict=False)
    plain_port: int | None = Field(None, ge=0, le=65535)
    """Listen for plain TCP on this port as well, and so bridge the two transports."""
    identity_file: Path | None = None
    identity_seed: int | None = None
    """For laboratories: anybody who knows the number can be this peer."""
    anchor: Path | None = None
    recoveries: tuple[str, ...] = ()
    sign_from: int | None = Field(None, ge=1)
    standby: bool = False
    """Another node signs with the key that this one has."""
    signer: str | None = None
    """What holds the signing key in another process, as unix:PATH."""
    """A file with a block that the operator vouches for, where members sign the blocks."""
    dial: tuple[str, ...] = ()
    add_nodes: tuple[str, ...] = ()
    connect: tuple[str, ...] = ()
    seed_nodes: tuple[str, ...] = ()
    dns_seed: bool = True
    nameserver: str | None = None
    """Who is asked for names instead of the system's servers, as IP:PORT."""
    mdns: bool | None = None
    """Look for nodes on the local link; None: where the network says so."""
    role: str = ""
    registry: str | None = None
    """Where members find each other and leave records, as drivers/registry/settings has it."""
    registry_ca: Path | None = None
    registry_cert: Path | None = None
    registry_key: Path | None = None
    registry_user: str | None = None
    registry_password_file: Path | None = None
    registry_token_file: Path | None = None
    registry_max_age_s: int = Field(REGISTRY_MAX_AGE_US // SECOND_US, ge=1, le=10 * 366 * 24 * 3600)
    allow_peers: tuple[str, ...] = ()
    """Peer ids that may connect; empty: everybody."""
    miner: str | None = None
    mining_interval_s: float = Field(0.0, ge=0, le=3600)
    """Least time between own blocks where work is trivial; 0: the network's spacing."""
    inbound_slots: int = Field(INBOUND_SLOTS, ge=0, le=10_000)
    ban_score: int = Field(BAN_SCORE, ge=1, le=1_000_000)
    ban_time_s: int = Field(BAN_TIME_US // SECOND_US, ge=1, le=10 * 366 * 24 * 3600)
    script_threads: int = Field(1, ge=1, le=64)
    record: Path | None = None
    """A new file for all that the node handles; it runs without a wallet then."""
    record_max_mb: int = Field(RECORD_FILE_BYTES_MAX >> 20, ge=1, le=1_000_000)
    rpc_bind: str = "127.0.0.1"
    rpc_port: int | None = Field(None, ge=0, le=65535)
    rpc_user: str | None = None
    rpc_password: str | None = Field(None, repr=False)
    rpcauth: tuple[str, ...] = ()
    """USER:SALT$HASH; more users, whose passwords are nowhere in the configuration."""
    rpcservertimeout: int = Field(RPC_KEEP_ALIVE_S, ge=1, le=1_000_000)
    """Seconds that a client's connection may be silent between two calls."""
    rpcwhitelist: tuple[str, ...] = ()
    """USER:METHOD,METHOD...; what that user may call."""
    rpcwhitelistdefault: Switch | None = None
    """Whether a user without such a row may call nothing; None: where any row is given."""
    rpcallowip: tuple[str, ...] = ()
    """Who may call; this machine only, until RPC speaks TLS."""
    log_json: bool = False
    log_file: Path | None = None
    """Where log lines go instead of standard error."""
    debug: tuple[str, ...] = ()
    """Areas whose every record is logged."""
    verbose: bool = False
    # What Bitcoin Core's operators know, under its names and in its units.
    minrelaytxfee: Feerate | None = None
    incrementalrelayfee: Feerate | None = None
    dustrelayfee: Feerate | None = None
    maxmempool: int | None = Field(None, ge=5, le=1_000_000)
    """Megabytes."""
    mempoolexpiry: int | None = Field(None, ge=1, le=10_000)
    """Hours."""
    persistmempool: Switch = True
    acceptnonstdtxn: Switch = False
    permitbaremultisig: Switch = True
    datacarrier: Switch = True
    datacarriersize: int | None = Field(None, ge=0, le=1_000_000)
    bytespersigop: int | None = Field(None, ge=1, le=1_000_000)
    limitancestorcount: int | None = Field(None, ge=1, le=1_000)
    limitdescendantcount: int | None = Field(None, ge=1, le=1_000)
    blockmintxfee: Feerate | None = None
    blockmaxweight: int | None = Field(None, ge=8_000, le=BLOCK_WEIGHT_MAX)
    blocksonly: Switch = False
    maxconnections: int | None = Field(None, ge=0, le=10_000)
    whitelist: tuple[str, ...] = ()
    """PERMISSION,...@NETWORK, or NETWORK for the usual permissions."""
    whitelistrelay: Switch | None = None
    whitelistforcerelay: Switch = False
    peertimeout: int | None = Field(None, le=1_000_000_000)
    """Seconds a new peer has to shake hands, and for which its pings may stay unanswered."""
    externalip: tuple[str, ...] = Field((), max_length=1)
    uacomment: tuple[str, ...] = ()
    maxtipage: int | None = Field(None, ge=1, lt=1 << 63)
    """Seconds."""
    minimumchainwork: ChainWork | None = None
    assumevalid: AssumedBlock | None = None
    testactivationheight: tuple[ActivationHeight, ...] = ()
    blockversion: int | None = Field(None, ge=-(1 << 31), lt=1 << 31)
    mocktime: int | None = Field(None, ge=0, le=CLOCK_S_MAX)

    @model_validator(mode="after")
    def _check_pairs(self) -> "NodeOptions":
        if (self.rpc_user is None) != (self.rpc_password is None):
            raise ValueError("rpcuser and rpcpassword belong together: give both or neither")
        if self.identity_file is not None and self.identity_seed is not None:
            raise ValueError("identity and identityseed exclude each other")
        unknown = next((area for area in self.debug if area not in DEBUG_AREAS), None)
        if unknown is not None:
            raise ValueError(f"debug: no area {unknown!r}; there are {', '.join(DEBUG_AREAS)}")
        if self.rpc_user is not None and ":" in self.rpc_user:
            raise ValueError("rpcuser must not hold a colon")
        if self.peertimeout is not None and self.peertimeout < 1:
            raise ValueError("peertimeout must be a positive integer.")
        for text in self.rpcauth:
            SaltedUser.parse(text)
        for text in self.rpcallowip:
            check_loopback(text)
        if self.maxconnections is not None and self.inbound_slots != INBOUND_SLOTS:
            raise ValueError("maxconnections and maxinbound exclude each other")
        return self

    def load_network(self) -> Network:
        """The network by its name or file. Raises MisuseError."""
        return find_network(self.network)

    def uses_libp2p(self, network: Network) -> bool:
        """Whether nodes are dialled by libp2p, and so encrypted."""
        own = TransportKind.PLAIN if network.is_bitcoin else TransportKind.LIBP2P
        return (self.transport or own) is TransportKind.LIBP2P

    def resolved_datadir(self) -> Path:
        """The directory given, or the network's own."""
        return self.datadir if self.datadir is not None else default_datadir(self.load_network().name)

    def chosen_settings(self) -> tuple[str, ...]:
        """The settings that members could set, and that this operator chose."""
        given = self.model_fields_set
        return tuple(
            row.name for row in SETTINGS.values() if any(_FIELD_OF_KEY.get(key, key) in given for key in row.options)
        )

    def resolved_rpc_port(self, network: Network) -> int:
        """The port given, or the network's own."""
        return network.rpc_port if self.rpc_port is None else self.rpc_port


def make_options(given: Mapping[str, object], config: Path | None = None) -> NodeOptions:
    """Options from the command line (fields by name; None: not given) over those of a file. Raises MisuseError."""
    chosen = {name: value for name, value in given.items() if value is not None and value != ()}
    from_file = {} if config is None else read_config(config)
    try:
        return NodeOptions.model_validate(from_file | chosen)
    except ValidationError as error:
        raise MisuseError(_explain(error, config)) from error


def read_config(path: Path) -> dict[str, object]:
    """The fields that a TOML file sets. Raises MisuseError that names the file, and an unknown key's nearest."""
    try:
        table = read_toml(path)
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}") from error
    except NotToml as error:
        raise MisuseError(f"{path} is not TOML: {error}") from error
    fields: dict[str, object] = {}
    known = known_keys()
    for key, value in table.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, 1, 0.5)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; known are {', '.join(known)}"
            raise MisuseError(f"{path}: unknown key {key!r}{hint}")
        if key == "listen" and isinstance(value, bool):
            fields["listen"] = value
            continue
        fields[_FIELD_OF_KEY.get(key, key)] = _from_toml(key, value)
    return fields


def known_keys() -> list[str]:
    """The keys of a configuration file."""
    renamed = {field: key for key, field in _FIELD_OF_KEY.items()}
    keys = (renamed.get(field, field) for field in NodeOptions.model_fields if field != "listen")
    return list(keys)


def _from_toml(key: str, value: object) -> object:
    """TOML knows no tuples and no paths."""
    if isinstance(value, list):
        return tuple(value)
    if key in _PATH_KEYS and isinstance(value, str):
        return Path(value).expanduser()
    if key == "mininginterval" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _explain(error: ValidationError, config: Path | None) -> str:
    key_of = {field: key for key, field in _FIELD_OF_KEY.items()}
    problems: list[str] = []
    for detail in error.errors():
        field = str(detail["loc"][0]) if detail["loc"] else ""
        message = detail["msg"].removeprefix("Value error, ")
        if message != detail["msg"] and message[:1].isupper():
            # A sentence of its own, which names what is wrong.
            problems.append(message)
            continue
        message = message[:1].lower() + message[1:]
        problems.append(f"{key_of.get(field, field)}: {message}" if field else message)
    where = f"{config}: " if config is not None else ""
    return where + "; ".join(problems)
