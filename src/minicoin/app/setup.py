"""What the options of a node come to: its setup, network and policy, or a refusal that names the option.

1. *Options that contradict the network, or each other, are refused at the start*, in words: a setting that is passed
   over in silence is one that its operator relies on.
2. *What is not given has the core's default*, or the network's; none is written down here.
3. *The network is the operator's to trust, and what he changes of it is his node's alone*: the least work, the block
   that is assumed valid, recoveries. Only where work is trivial may he move the soft forks and stand the clock still.
4. *A node on a network of private addresses listens on this machine only*, unless it looks for others on the link or is
   told where to listen.

The options themselves are `options`; `build` makes a node of the setup. Names and messages follow Bitcoin Core's where
it has the option.
"""

from dataclasses import replace
from pathlib import Path

from coincurve import PrivateKey

from minicoin import __version__
from minicoin.app.anchor_file import read_anchor
from minicoin.app.build import Bind, NodeSetup, RecordSetup
from minicoin.app.core_values import make_user_agent
from minicoin.app.options import NodeOptions
from minicoin.app.places import PROGRAM
from minicoin.app.recovery_files import name_recoveries
from minicoin.app.signing_key import has_signing_key, load_signing_keys
from minicoin.core.answers import MEMBERS_SIGN
from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import OUTBOUND_BLOCK_ONLY_SLOTS, OUTBOUND_FULL_SLOTS
from minicoin.core.mempool.policy import MempoolPolicy, policy_for
from minicoin.core.overlay.forms import find_form
from minicoin.core.params.bitcoin import BITCOIN
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Buried, Deployments, SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.permissions import Whitelisting
from minicoin.core.script.policy import Standardness
from minicoin.core.units import HOUR_US, SECOND_US
from minicoin.drivers.network import has_ipv6
from minicoin.drivers.registry.settings import RegistryAccess, RegistrySettings, read_settings
from minicoin.drivers.resolver import parse_nameserver
from minicoin.drivers.signer.place import read_place
from minicoin.drivers.transport import TransportKind

_NOBODY = "0"
_ANY_IPV4 = "0.0.0.0"
_ANY_IPV6 = "::"
_MB = 1_000_000
# A place is kept for the short connections that ask whether an address answers.
_FEELER_SLOTS = 1


def _interval_us(seconds: float) -> int:
    """0 is the network's own spacing; no other interval becomes it by rounding."""
    return max(1, round(seconds * SECOND_US)) if seconds else 0


def setup_from_options(options: NodeOptions) -> NodeSetup:
    """Raises DecodeError or MisuseError that names the option."""
    datadir = options.resolved_datadir()
    named = name_recoveries(_network(options), datadir, map(Path, options.recoveries))
    network = named.network
    _require_members_options(options, network)
    _require_listening(options)
    port = network.default_port if options.listen_port is None else options.listen_port
    policy = NodePolicy(
        overlay_role=_overlay_role(options, network),
        connect=_connect(options.connect, network),
        add_nodes=(*_nodes_of(network), *_addresses((*options.dial, *options.add_nodes), network)),
        seed_nodes=_addresses(options.seed_nodes, network),
        use_dns_seeds=options.dns_seed,
        listens=options.listen,
        listen_port=port if options.listen else 0,
        bans=BanPolicy(options.ban_score, options.ban_time_s * SECOND_US),
        mining_interval_us=_interval_us(options.mining_interval_s),
        outbound_slots=_outbound_slots(options),
        inbound_slots=_inbound_slots(options),
        allowed_peers=_peer_ids(options.allow_peers),
        user_agent=_user_agent(options),
        whitelist=_whitelist(options),
        external_address=next(iter(_addresses(options.externalip, network, port)), None),
        chosen=options.chosen_settings(),
        sign_from=options.sign_from,
        stands_by=options.standby,
        anchor=None if options.anchor is None else read_anchor(options.anchor, network),
        bound_blocks=named.blocks,
    )
    policy = _with_relay_options(policy, options, network)
    binds: list[Bind] = []
    uses_mdns = _uses_mdns(options, network)
    if options.listen:
        hosts = options.bind or _default_hosts(network, uses_mdns=uses_mdns)
        binds = [Bind(host, port) for host in hosts]
        if options.plain_port is not None:
            binds += [Bind(host, options.plain_port, TransportKind.PLAIN) for host in hosts]
    setup = NodeSetup(
        network,
        datadir,
        policy,
        tuple(binds),
        transport=options.transport,
        identity=None if options.identity_seed is None else Identity.from_number(options.identity_seed),
        signing_keys=() if options.signer else _signing_keys(datadir, network),
        signer=_signer(options, datadir, network),
        script_threads=options.script_threads,
        nameserver=None if options.nameserver is None else parse_nameserver(options.nameserver),
        uses_mdns=uses_mdns,
        registry=_registry(options, network),
        registry_max_age_us=options.registry_max_age_s * SECOND_US,
        recoveries=named,
        record=None if options.record is None else RecordSetup(options.record, options.record_max_mb << 20),
        mock_time_us=options.mocktime * SECOND_US if options.mocktime else None,
    )
    _require_key_to_stand_by(options, setup)
    return setup


def _nodes_of(network: Network) -> tuple[NodeAddress, ...]:
    """What the network's file says of where its nodes listen. Raises MisuseError."""
    try:
        return _addresses(network.nodes, network)
    except DecodeError as error:
        raise MisuseError(f"the file of network {network.name}, nodes: {error}") from error


def _require_members_options(options: NodeOptions, network: Network) -> None:
    """Raises MisuseError for what makes no sense where members sign the blocks."""
    if not isinstance(network.proof, SignersKind):
        return
    if options.miner is not None:
        raise MisuseError(f"--miner: {MEMBERS_SIGN}")
    if options.plain_port is not None or not options.uses_libp2p(network):
        option = "--transport tcp" if options.plain_port is None else "--plain-port"
        raise MisuseError(
            f"{option}: the nodes of {network.name} know each other by their peer ids, which plain TCP does not have; "
            "leave it out and they speak libp2p"
        )


def _require_listening(options: NodeOptions) -> None:
    """Raises MisuseError for what says where to listen, of a node that does not."""
    if options.listen:
        return
    for option, is_given in (("--bind", bool(options.bind)), ("--plain-port", options.plain_port is not None)):
        if is_given:
            raise MisuseError(f"{option} says where to listen, and --no-listen that nobody is let in: leave one out")


def _require_key_to_stand_by(options: NodeOptions, setup: NodeSetup) -> None:
    """Raises MisuseError."""
    if options.standby and not setup.signing_keys and setup.signer is None:
        raise MisuseError(
            f"--standby: {setup.datadir} holds no signing key to stand by with: copy that of the node that signs, or "
            "name its signer (--signer)"
        )


def _signing_keys(datadir: Path, network: Network) -> tuple[PrivateKey, ...]:
    """The data directory's, on a network whose blocks are signed: a node that has one signs. Raises MisuseError."""
    if isinstance(network.proof, SignersKind):
        return load_signing_keys(datadir)
    if has_signing_key(datadir):
        raise MisuseError(
            f"{datadir} holds a signing key, and nobody signs the blocks of {network.name}: name the network it is for"
        )
    return ()


def _signer(options: NodeOptions, datadir: Path, network: Network) -> Path | None:
    """Raises MisuseError."""
    if options.signer is None:
        return None
    if not isinstance(network.proof, SignersKind):
        raise MisuseError(
            f"--signer: nobody signs the blocks of {network.name}: leave it out, or give --network the name or file of "
            "the network that it signs for"
        )
    if has_signing_key(datadir):
        raise MisuseError(
            f"--signer: {datadir} holds a signing key itself; a key is in one place: move it to the signer's directory"
        )
    return read_place(options.signer)


def _network(options: NodeOptions) -> Network:
    """The network, with what an operator may change of it. Raises MisuseError."""
    network = options.load_network()
    asks_for_trial = options.mocktime or options.testactivationheight or options.blockversion is not None
    if asks_for_trial and not network.has_trivial_work:
        raise MisuseError(
            "mocktime, testactivationheight and blockversion are for networks of trivial work, and "
            f"{network.name} is not one"
        )
    if options.minimumchainwork is not None:
        network = replace(network, minimum_chainwork=options.minimumchainwork)
    if options.assumevalid is not None:
        # Zeros stand for no block at all.
        network = replace(network, assume_valid=BlockHash(options.assumevalid) if any(options.assumevalid) else None)
    deployments = network.deployments
    for name, height in options.testactivationheight:
        deployments = _begin(deployments, name, height)
    if deployments != network.deployments:
        network = network.with_deployments(deployments)
    return network


def _begin(deployments: Deployments, name: str, height: int) -> Deployments:
    """The same with one soft fork from `height` on, by Bitcoin Core's names of them. Raises MisuseError."""
    start = Buried(height)
    match name:
        case "bip34":
            return replace(deployments, bip34=start)
        case "dersig":
            return replace(deployments, bip66=start)
        case "cltv":
            return replace(deployments, bip65=start)
        case "csv":
            return replace(deployments, csv=start)
        case "segwit":
            return replace(deployments, segwit=start)
    raise MisuseError(
        f"Invalid name ({name}@{height}) for testactivationheight: known are segwit, bip34, dersig, cltv and csv"
    )


def _with_relay_options(policy: NodePolicy, options: NodeOptions, network: Network) -> NodePolicy:
    """Raises MisuseError."""
    return replace(
        policy,
        mempool=_mempool_policy(options, network),
        persists_mempool=options.persistmempool,
        block_version=options.blockversion,
        block_weight_max=options.blockmaxweight or policy.block_weight_max,
        blocks_only=options.blocksonly,
        tip_age_max_us=policy.tip_age_max_us if options.maxtipage is None else options.maxtipage * SECOND_US,
        peer_timeout_us=policy.peer_timeout_us if options.peertimeout is None else options.peertimeout * SECOND_US,
    )


def _mempool_policy(options: NodeOptions, network: Network) -> MempoolPolicy:
    """Raises MisuseError."""
    if options.acceptnonstdtxn and network.name == BITCOIN.name:
        raise MisuseError("acceptnonstdtxn is not currently supported for main chain")
    usual = policy_for(is_bitcoin=network.is_bitcoin)
    known = usual.standardness
    size = known.datacarrier_bytes_max if options.datacarriersize is None else options.datacarriersize
    hours = options.mempoolexpiry
    return replace(
        usual,
        standardness=Standardness(
            dust_feerate=known.dust_feerate if options.dustrelayfee is None else options.dustrelayfee,
            datacarrier_bytes_max=size if options.datacarrier else 0,
            permits_bare_multisig=options.permitbaremultisig,
        ),
        require_standard=not options.acceptnonstdtxn,
        min_relay_feerate=usual.min_relay_feerate if options.minrelaytxfee is None else options.minrelaytxfee,
        incremental_feerate=(
            usual.incremental_feerate if options.incrementalrelayfee is None else options.incrementalrelayfee
        ),
        bytes_max=usual.bytes_max if options.maxmempool is None else options.maxmempool * _MB,
        expiry_us=usual.expiry_us if hours is None else hours * HOUR_US,
        ancestors_max=options.limitancestorcount or usual.ancestors_max,
        descendants_max=options.limitdescendantcount or usual.descendants_max,
        block_min_feerate=usual.block_min_feerate if options.blockmintxfee is None else options.blockmintxfee,
        bytes_per_sigop=options.bytespersigop or usual.bytes_per_sigop,
    )


def _outbound_slots(options: NodeOptions) -> int:
    return OUTBOUND_FULL_SLOTS if options.maxconnections is None else min(options.maxconnections, OUTBOUND_FULL_SLOTS)


def _inbound_slots(options: NodeOptions) -> int:
    """What our own connections leave, as Bitcoin Core counts."""
    if options.maxconnections is None:
        return options.inbound_slots
    return max(options.maxconnections - OUTBOUND_FULL_SLOTS - OUTBOUND_BLOCK_ONLY_SLOTS - _FEELER_SLOTS, 0)


def _whitelist(options: NodeOptions) -> tuple[Whitelisting, ...]:
    # As Bitcoin Core: whoever wants blocks only has to say that trusted peers may send transactions all the same.
    relays = options.whitelistrelay
    if relays is None:
        relays = options.whitelistforcerelay or not options.blocksonly
    forces = options.whitelistforcerelay
    return tuple(Whitelisting.parse(text, relays=relays, forces_relay=forces) for text in options.whitelist)


def _user_agent(options: NodeOptions) -> str:
    try:
        return make_user_agent(PROGRAM, __version__, options.uacomment)
    except ValueError as error:
        raise MisuseError(str(error)) from error


def _connect(texts: tuple[str, ...], network: Network) -> tuple[NodeAddress, ...] | None:
    """As Bitcoin Core: connect=0 dials nobody."""
    if texts == (_NOBODY,):
        return ()
    return _addresses(texts, network) if texts else None


def _peer_ids(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(PeerId.parse(text.removeprefix("/").removeprefix("p2p/")).multihash for text in texts)


def _overlay_role(options: NodeOptions, network: Network) -> str:
    try:
        return find_form(network.overlay).role(options.role)
    except MisuseError as error:
        raise MisuseError(f"--role: {error}") from error


def _uses_mdns(options: NodeOptions, network: Network) -> bool:
    if options.mdns and not network.allow_private_addresses:
        raise MisuseError(f"mdns is for networks of private addresses, and {network.name} is not one")
    return network.uses_mdns if options.mdns is None else options.mdns


def _registry(options: NodeOptions, network: Network) -> RegistrySettings | None:
    """Raises MisuseError."""
    access = RegistryAccess(
        options.registry_ca,
        options.registry_cert,
        options.registry_key,
        options.registry_user,
        options.registry_password_file,
        options.registry_token_file,
    )
    if options.registry is None:
        if access != RegistryAccess():
            raise MisuseError("registry-ca and its like need a registry: --registry etcd://HOST:PORT/PREFIX")
        return None
    if not options.uses_libp2p(network):
        raise MisuseError("a registry names nodes by their peer ids, which plain TCP cannot prove: it needs libp2p")
    return read_settings(options.registry, access)


def _default_hosts(network: Network, *, uses_mdns: bool) -> tuple[str, ...]:
    # Both families where the machine has both; a network of private addresses is a lab's and stays on this machine,
    # unless its nodes look for each other on the link.
    if network.allow_private_addresses and not uses_mdns:
        return ("127.0.0.1",)
    return (_ANY_IPV4, _ANY_IPV6) if has_ipv6() else (_ANY_IPV4,)


def _addresses(texts: tuple[str, ...], network: Network, port: int | None = None) -> tuple[NodeAddress, ...]:
    return tuple(parse_node_address(text, network.default_port if port is None else port) for text in texts)
