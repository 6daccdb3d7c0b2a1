"""The table of all commands: which module carries each out, and its line of help.

A module is loaded when its command is called (see `lazy`), so that a call costs what it needs and no more. The
functions stand in `cli_*.py`; the first line of a function's docstring is its line here, and a test compares them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Commands under one word."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    path: str
    """The words that call it."""
    module: str
    """In `minicoin.app`."""
    function: str
    about: str
    panel: str = "Commands"
    """Its heading in the help of its group."""
    takes_anything: bool = False
    """Words that look like options are arguments: what a method of the node is given."""

    @property
    def group(self) -> str:
        """The word before its name; empty for a short verb."""
        return self.path.rpartition(" ")[0]

    @property
    def name(self) -> str:
        """Its last word."""
        return self.path.rpartition(" ")[2]


GROUPS: Final = (
    Group("chain", "The chain: import, export, verify (offline), info."),
    Group("net", "The network: peers, bans, addresses."),
    Group("wallet", "The wallet: create, restore, addresses, money."),
    Group("network", "Networks: list, show, new, check, genesis."),
    Group("consortium", "Networks whose blocks their members sign: request, new, newkey, retirekey."),
    Group("data", "Small data in payments: put, list."),
    Group("records", "Small signed values that nodes keep for each other: list, show, put, sign."),
    Group("admission", "Who may connect to a consortium's nodes: list, propose, approve, history."),
    Group(
        "members", "Who signs the blocks: list, history, evidence, propose, approve, remove, roll, loadkey, takeover."
    ),
    Group("audit", "What this node saw and did, in a log that only grows: show, verify, export, replay."),
    Group("config", "What members set while their network runs: show, list, propose, approve."),
    Group("recovery", "A consortium too many of whose members are lost: list, propose, sign, show, combine."),
    Group("lab", "A private network of real processes on loopback."),
    Group("sim", "The laboratory: the same node code in virtual time."),
)

_NODE: Final = "The node"
_MONEY: Final = "Wallet and mining"

COMMANDS: Final = (
    Command("startnode", "cli_start", "startnode", "Run a node until Ctrl-C or `minicoin stop`.", _NODE),
    Command("signer", "cli_signer", "signer", "Hold a member's signing keys for its node, in a process apart.", _NODE),
    Command("stop", "cli_node", "stop", "Stop the running node, and wait until it has ended.", _NODE),
    Command("getinfo", "cli_node", "getinfo", "The node at a glance: chain, peers, mempool, mining, wallet.", _NODE),
    Command("getpeerinfo", "cli_net", "peers", "Every connection.", _NODE),
    Command("printchain", "cli_node", "printchain", "The blocks of the best chain, highest last.", _NODE),
    Command("rpc", "cli_node", "rpc", "Call any RPC method.", _NODE, takes_anything=True),
    Command("waitforfinal", "cli_final", "wait_for_final", "Wait until a payment is final.", _MONEY),
    Command("createwallet", "cli_wallet", "create", "Create the wallet; shows its seed words, once.", _MONEY),
    Command("listaddresses", "cli_wallet", "list_addresses", "The wallet's addresses and what each holds.", _MONEY),
    Command("getbalance", "cli_wallet", "balance", "What the wallet holds: confirmed, pending, immature.", _MONEY),
    Command("send", "cli_wallet", "send", "Pay an address.", _MONEY),
    Command("mine", "cli_mine", "mine", "Mine blocks: some now, or from now on.", _MONEY),
    Command("help", "cli_help", "show_help", "The help of a command.", "Help"),
    Command("chain import", "cli_chain", "import_files", "Import block files into the data directory."),
    Command("chain export", "cli_chain", "export_file", "Write the best chain as one bootstrap.dat."),
    Command("chain verify", "cli_chain", "verify", "Read every stored block of the best chain and check it."),
    Command("chain info", "cli_node", "chain_info", "The chain of a running node."),
    Command("net peers", "cli_net", "peers", "Every connection."),
    Command("net add", "cli_net", "add", "Connect to a node and keep the connection."),
    Command("net remove", "cli_net", "remove", "Stop keeping a connection."),
    Command("net added", "cli_net", "added", "The nodes kept by `net add`."),
    Command("net disconnect", "cli_net", "disconnect", "Close a connection."),
    Command("net ban", "cli_net", "ban", "Refuse somebody for a time."),
    Command("net unban", "cli_net", "unban", "Lift a ban."),
    Command("net bans", "cli_net", "bans", "The bans in force."),
    Command("net addresses", "cli_net", "addresses", "Addresses of nodes this node has heard of."),
    Command("net id", "cli_net", "identity", "Who this node is: its peer id, and where it can be dialled."),
    Command("net ping", "cli_net", "ping", "Ping any libp2p peer, which needs no node; or all peers of the node."),
    Command("net registry", "cli_net", "registry", "The registry: whether it is there, and what it told."),
    Command("net info", "cli_net", "info", "This node as its peers see it."),
    Command("net find", "cli_peer_ids", "find", "Where the node of a peer id is."),
    Command("net tell", "cli_peer_ids", "tell", "Tell the node of a peer id a line of text."),
    Command("net letters", "cli_peer_ids", "letters", "The letters that came for this node."),
    Command("net overlay", "cli_peer_ids", "overlay", "The network model: role, neighbours, figures."),
    Command("wallet create", "cli_wallet", "create", "Create the wallet; shows its seed words, once."),
    Command("wallet restore", "cli_wallet", "restore", "Restore the wallet from its seed words."),
    Command("wallet address", "cli_wallet", "new_address", "A fresh address to be paid at."),
    Command("wallet addresses", "cli_wallet", "list_addresses", "The wallet's addresses and what each holds."),
    Command("wallet balance", "cli_wallet", "balance", "What the wallet holds: confirmed, pending, immature."),
    Command("wallet send", "cli_wallet", "send", "Pay an address."),
    Command("wallet abandon", "cli_wallet", "abandon", "Give up a payment that waits outside the mempool."),
    Command("wallet history", "cli_wallet", "history", "The wallet's latest transactions, newest last."),
    Command("wallet unlock", "cli_wallet", "unlock", "Open the wallet's seed for some time."),
    Command("wallet lock", "cli_wallet", "lock", "Forget the keys."),
    Command("wallet rescan", "cli_wallet", "rescan", "Search the chain again for transactions of the wallet."),
    Command("wallet info", "cli_wallet", "info", "The state of the wallet."),
    Command("network list", "cli_network", "list_networks", "Every network by name."),
    Command("network show", "cli_network", "show_network", "A network's rules as TOML."),
    Command("network new", "cli_network_new", "new_network", "Define a network."),
    Command("network check", "cli_network_check", "check", "Which rules of two networks differ."),
    Command(
        "network genesis",
        "cli_network_check",
        "mine_genesis",
        "Mine the genesis block of an edited network file.",
    ),
    Command(
        "consortium request",
        "cli_consortium",
        "request",
        "Ask to sign the blocks of a new network: makes the bank's key, and a public file to hand over.",
    ),
    Command(
        "consortium new",
        "cli_consortium",
        "new",
        "Found a network of the banks that asked: assembles their public requests into its file.",
    ),
    Command(
        "consortium newkey",
        "cli_keys",
        "new_key",
        "Make the signing key that is to follow the one of a data directory.",
    ),
    Command(
        "consortium retirekey",
        "cli_keys",
        "retire_key",
        "Destroy the signing key that another one has followed.",
    ),
    Command("data put", "cli_data", "put", "Record a small text on the chain."),
    Command("data list", "cli_data", "list_data", "What was recorded, pending first, then newest first."),
    Command("records list", "cli_records", "list_records", "The records this node holds."),
    Command("records show", "cli_records", "show", "One record, with who signed it and when."),
    Command("records put", "cli_records", "put", "Sign a record as this node, and give it to everybody."),
    Command("members list", "cli_members", "list_members", "The members, their signatures, and changes on their way."),
    Command("members history", "cli_members", "history", "The founding list and every change that the chain carried."),
    Command("members evidence", "cli_members", "evidence", "What proves that a member lied."),
    Command("members propose", "cli_members", "propose", "Draft a change of the members, and sign it as this node's."),
    Command("members approve", "cli_members", "approve", "Sign a draft of another member as this node's."),
    Command("members remove", "cli_members", "remove", "Draft that a member leaves, and sign it as this node's."),
    Command(
        "members loadkey",
        "cli_keys",
        "load_key",
        "Have the running node hold the signing key that was made beside its own.",
    ),
    Command(
        "members takeover",
        "cli_takeover",
        "take_over",
        "Have a standby sign in the place of the node that had its key.",
    ),
    Command(
        "members roll",
        "cli_members",
        "roll",
        "Draft that a member signs with a new key; the old one holds until then.",
    ),
    Command("records sign", "cli_records", "sign", "Add this node's signature to a record that several sign."),
    Command(
        "recovery list",
        "cli_recovery",
        "list_recoveries",
        "Recoveries that this node names, and drafts with their signatures.",
    ),
    Command("recovery propose", "cli_recovery", "propose", "Draft a recovery of a halted network, and sign it."),
    Command("recovery sign", "cli_recovery", "sign", "Sign a recovery that another bank drafted."),
    Command("recovery show", "cli_recovery", "show_file", "What a recovery's file says, and who has signed it."),
    Command("recovery combine", "cli_recovery", "combine", "Put the signatures together that make a recovery."),
    Command("admission list", "cli_admission", "list_admission", "Who may connect, and what members drafted."),
    Command("admission propose", "cli_admission", "propose", "Draft who may connect, and sign it as a member."),
    Command("admission approve", "cli_admission", "approve", "Sign a draft of another member as this node's."),
    Command(
        "admission history",
        "cli_admission",
        "history",
        "The versions this node went by.",
    ),
    Command("audit show", "cli_audit", "show", "The entries of the log."),
    Command("audit verify", "cli_audit", "verify", "Check the chain of hashes; says the first entry that breaks it."),
    Command("audit export", "cli_audit", "export", "Copy the log to one file; prints the hash to note with it."),
    Command(
        "audit replay",
        "cli_audit",
        "replay_log",
        "Who signed, who might connect and what was set at a height, from the log alone.",
    ),
    Command("config show", "cli_config", "show", "What holds at this node: value, and by whose word."),
    Command(
        "config list", "cli_config", "list_drafts", "Drafts that collect signatures, and the change that is pending."
    ),
    Command("config propose", "cli_config", "propose", "Draft other settings, and sign them as this node's member."),
    Command("config approve", "cli_config", "approve", "Sign a draft of another member as this node's."),
    Command("lab up", "cli_lab", "up", "Start nodes, connect them, mine, pay from one to another, show them live."),
    Command("sim run", "cli_sim", "run", "Run a scenario."),
    Command("sim list", "cli_sim", "list_scenarios", "The scenarios there are and what each asks."),
    Command("sim sweep", "cli_sim", "sweep", "Run a scenario at many settings and seeds."),
    Command("sim compare", "cli_sim", "compare", "Run a scenario under several network models and compare."),
    Command("sim fuzz", "cli_sim", "fuzz", "Run random scenarios with random faults."),
    Command("sim replay", "cli_sim_replay", "replay", "Replay a recorded node and compare."),
)


def commands_of(group: str) -> tuple[Command, ...]:
    """The commands of a group; of "", the short verbs."""
    return tuple(command for command in COMMANDS if command.group == group)
