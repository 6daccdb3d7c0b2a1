"""waitforfinal as a client sees it, and what getblockchaininfo says of finality."""

import pytest
from tests.unit.netsync.banks_chain import NETWORK, maker_at
from tests.unit.rpc.conftest import Caller

from minicoin.core.answers import MEMBERS_SIGN
from minicoin.core.commands import AddNode, Stop
from minicoin.core.effects import StoreBlock
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.json_text import decode_json
from minicoin.testing.fault_parts import spend_one
from minicoin.testing.host_port import HostPort
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

MAKER = maker_at()
MAKER.extend()
PAYMENT, UNSENT = (spend_one(coin) for coin in MAKER.allocated[:2])
MAKER.extend([PAYMENT])
MAKER.grow(2)
TXID = hash_to_hex(PAYMENT.txid)
FINAL = {"txid": TXID, "blockhash": hash_to_hex(MAKER.blocks[1].block.hash), "height": 2, "signers": 4}


class Banks:
    """A node at block 1, and another one that has all blocks, which it can be told to meet."""

    def __init__(self, tmp_path, verifier):
        self.world = World(NETWORK, verifier, uniform(20_000), WorldSettings(b"banks", encodes=True, has_peer_ids=True))
        self.ahead = self._node("ahead", 4)
        self.rpc = Caller(HostPort(self.world, self._node("behind", 1), tmp_path))

    def _node(self, name, height):
        host = self.world.add_host(name=name)
        ledger = OwnLedger(NETWORK, self.world.book.verifier)
        for at, one in enumerate(MAKER.blocks[:height], 1):
            ledger.perform(StoreBlock(one.raw, at, connects=True, certificate=one.kept))
        ledger.flush()
        self.world.replace_ledger(host, ledger)
        self.world.start(host, NodePolicy())
        return host

    def later(self, command, seconds):
        """The node is told something while somebody waits."""
        host = self.rpc.port.host
        self.world.queue.at(self.world.now + seconds * SECOND_US, lambda _, __: self.world.command(host, command))

    def meet_later(self, seconds=1):
        self.later(AddNode(self.ahead.address), seconds)


@pytest.fixture
def banks(tmp_path):
    verifier = KernelVerifier(1)
    yield Banks(tmp_path, verifier)
    verifier.close()


def test_it_is_held_until_the_payment_is_final(banks):
    rpc = banks.rpc
    assert rpc("sendrawtransaction", PAYMENT.raw.hex()) == TXID
    banks.meet_later()
    before = banks.world.now
    assert rpc("waitforfinal", TXID) == FINAL
    assert banks.world.now - before >= SECOND_US
    # And at once when it is.
    before = banks.world.now
    assert rpc("waitforfinal", TXID, 5) == FINAL
    assert banks.world.now == before


def test_of_a_payment_in_a_block_of_old_the_coins_tell(banks):
    """Nobody here saw it come: neither this run's mempool nor its last blocks know of it."""
    rpc = banks.rpc
    banks.meet_later()
    rpc("waitforblockheight", 4)
    banks.world.restart(rpc.port.host)
    assert rpc("waitforfinal", TXID) == FINAL


def test_an_unknown_payment_is_said_to_be_one(banks):
    code, message = banks.rpc.refusal("waitforfinal", hash_to_hex(UNSENT.txid))
    assert code == -5 and "not in the mempool" in message


def test_patience_ends_with_an_answer(banks):
    rpc = banks.rpc
    rpc("sendrawtransaction", PAYMENT.raw.hex())
    before = banks.world.now
    code, message = rpc.refusal("waitforfinal", TXID, 90_000)
    assert code == -1 and "not final within 90000 ms" in message
    assert banks.world.now - before == 90 * SECOND_US
    assert rpc.refusal("waitforfinal", TXID, -1) == (-1, "Negative timeout")


def test_the_end_of_the_node_ends_the_wait(banks):
    rpc = banks.rpc
    rpc("sendrawtransaction", PAYMENT.raw.hex())
    banks.later(Stop(), 1)
    code, message = rpc.refusal("waitforfinal", TXID)
    assert code == -1 and "shutting down" in message


def test_elsewhere_it_is_refused(rpc):
    code, message = rpc.refusal("waitforfinal", TXID)
    assert code == -1 and "no members sign the blocks of regtest" in message
    assert not {"finalized", "anchor"} & rpc("getblockchaininfo").keys()


def test_what_is_final_and_which_block_the_node_goes_by(banks):
    rpc = banks.rpc
    banks.meet_later()
    rpc("waitforblockheight", 4)
    info = rpc("getblockchaininfo")
    assert info["finalized"] == {"height": 4, "hash": info["bestblockhash"]}
    assert info["anchor"] == {"height": 1, "hash": hash_to_hex(MAKER.blocks[0].block.hash)}
    fresh = banks.world.add_node("fresh")
    port = HostPort(banks.world, fresh, rpc.port.datadir)
    assert Caller(port)("getblockchaininfo")["anchor"] == "unanchored"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("getblocktemplate", [{"rules": ["segwit"]}]),
        ("getblocktemplate", [{"mode": "proposal", "data": MAKER.blocks[1].block.raw.hex()}]),
        ("submitblock", [MAKER.blocks[1].block.raw.hex()]),
        ("submitheader", [MAKER.blocks[1].header.raw.hex()]),
        ("preciousblock", [hash_to_hex(MAKER.blocks[0].block.hash)]),
        ("generatetodescriptor", [1, "raw(51)"]),
        ("generateblock", ["raw(51)", []]),
        ("setmining", [""]),
        # Refused for what it is, before anybody is told to mend what it was given.
        ("getblocktemplate", []),
        ("submitblock", ["00"]),
        ("submitheader", ["zz"]),
        ("preciousblock", ["00"]),
        ("generatetoaddress", ["many", "nowhere"]),
    ],
)
def test_what_is_for_miners_is_refused_with_the_reason(banks, method, arguments):
    code, message = banks.rpc.refusal(method, *arguments)
    assert code == -1 and "members of this network sign its blocks" in message
    assert banks.rpc("getblockcount") == 1


def test_it_is_refused_by_name_and_in_a_batch_too(banks):
    named = {"id": 1, "method": "submitblock", "params": {"hexdata": "00"}}
    (answer,) = decode_json(banks.rpc.post([named]).body)
    assert answer["error"]["message"] == MEMBERS_SIGN


@pytest.mark.parametrize("method", ["invalidateblock", "reconsiderblock"])
def test_what_is_final_stays(banks, method):
    code, message = banks.rpc.refusal(method, hash_to_hex(MAKER.blocks[0].block.hash))
    assert code == -1 and "is final" in message
    assert banks.rpc("getblockcount") == 1
