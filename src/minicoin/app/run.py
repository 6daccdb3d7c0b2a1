"""Runs one node process: the node, its RPC server, signals, the lines a person sees. What its options come to is
setup's."""

import os
import sys
import time

import trio

from minicoin import __version__
from minicoin.app.bridge import NodeBridge
from minicoin.app.build import BuiltNode, NodeSetup, build_node
from minicoin.app.identity import adopt_identity, read_identity
from minicoin.app.joining import join_lines
from minicoin.app.log import ALL_AREAS, Log
from minicoin.app.more_keys import MoreKeys
from minicoin.app.open_files import require_open_files
from minicoin.app.options import NodeOptions
from minicoin.app.recovery_files import keep_recoveries
from minicoin.app.setup import setup_from_options
from minicoin.app.show import error_line
from minicoin.app.signals import watch_signals
from minicoin.app.standard_files import say
from minicoin.core.commands import SetMining
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.script.standard import address_script
from minicoin.drivers.reports import RpcAcceptFailed
from minicoin.drivers.store.errors import StoreError
from minicoin.rpc.auth import Auth, Credentials, MethodRights, SaltedUser
from minicoin.rpc.server import RpcServer


def run_node(options: NodeOptions) -> int:
    """Until a signal or the stop command. The exit code: 0, or 1 after one line that says what is wrong."""
    if not __debug__:
        print("error: minicoin does not run under python -O: its invariants are assertions", file=sys.stderr)  # noqa: T201
        return 1
    # What a node writes is nobody else's to read.
    os.umask(0o077)
    try:
        require_open_files()
        return trio.run(_run, options)
    except (StoreError, MisuseError, DecodeError) as error:
        print(error_line(str(error)), file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(error_line(f"{error.strerror or error}{where}"), file=sys.stderr)  # noqa: T201
        return 1


async def _run(options: NodeOptions) -> int:
    setup = setup_from_options(options)
    miner = None if options.miner is None else address_script(options.miner, setup.network.address_format)
    log = Log(
        as_json=options.log_json,
        areas=(ALL_AREAS,) if options.verbose else options.debug,
        path=options.log_file,
    )
    setup.datadir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if options.identity_file is not None:
        adopt_identity(setup.datadir, read_identity(options.identity_file))
    built = await build_node(setup, log.take)
    if setup.recoveries is not None:
        # Only now: what the node cannot start with is not kept.
        keep_recoveries(setup.recoveries, setup.datadir)
    for message in built.messages:
        say(message, sys.stderr)
    bridge = NodeBridge(
        built.runtime,
        setup.network,
        setup.datadir,
        __version__,
        int(time.time()),
        log,
        registry=built.registry,
        audit=built.audit,
        more_keys=MoreKeys(setup.datadir, built.signer),
    )
    place = (options.rpc_bind, options.resolved_rpc_port(setup.network))
    server = RpcServer(
        bridge,
        place,
        _auth(options, setup),
        on_trouble=lambda reason: built.runtime.report_from_thread(RpcAcceptFailed(reason)),
        keep_alive_s=options.rpcservertimeout,
    )
    server.start()
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(watch_signals, built.runtime.stop_nowait, log.reopen if options.log_file else None)
            await nursery.start(built.run)
            if miner is not None:
                built.runtime.command_nowait(SetMining(miner), lambda reply: None)
            _greet(built, server, options)
            await built.runtime.finished.wait()
            nursery.cancel_scope.cancel()
    finally:
        server.stop()
    return 0


def _auth(options: NodeOptions, setup: NodeSetup) -> Auth:
    restricts = options.rpcwhitelistdefault
    rights = MethodRights(options.rpcwhitelist, is_default_anything=None if restricts is None else not restricts)
    salted = tuple(SaltedUser.parse(text) for text in options.rpcauth)
    if options.rpc_user is None or options.rpc_password is None:
        return Auth(setup.datadir, None, salted, rights)
    return Auth(setup.datadir, Credentials(options.rpc_user, options.rpc_password), salted, rights)


def _greet(built: BuiltNode, server: RpcServer, options: NodeOptions) -> None:
    lines = [f"minicoin node on {built.setup.network.name}, height {built.runtime.node.view.tree.tip.height}"]
    if built.listeners:
        lines.append(f"listening on {built.setup.binds[0].host} port {built.port}")
        lines += join_lines(options, built.setup.datadir, built.runtime.node.view.policy.listen_addresses)
    if built.setup.record is not None:
        lines.append(f"recording to {built.setup.record.path}; the wallet is off meanwhile")
    host, port = server.address
    lines.append(f"RPC on {host}:{port}, data in {built.setup.datadir}")
    for line in lines:
        say(line, sys.stdout)
