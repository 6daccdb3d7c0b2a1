import pytest


@pytest.fixture
def block(funded):
    """A block of three payments: (its hash, their txids in order)."""
    txids = [funded("sendtoaddress", funded("getnewaddress"), 1) for _ in range(3)]
    made = funded("generateblock", "raw(51)", txids)["hash"]
    return made, txids


def test_proofs_prove_what_they_were_made_for(funded, block) -> None:
    made, txids = block
    for wanted in ([txids[0]], txids[1:], txids):
        assert funded("verifytxoutproof", funded("gettxoutproof", wanted, made)) == wanted
    # Without the block: one of them has an output left.
    assert funded("verifytxoutproof", funded("gettxoutproof", txids[::-1])) == txids


def test_a_proof_of_a_coinbase_alone(funded, block) -> None:
    (only,) = funded("generatetodescriptor", 1, "raw(51)")
    (coinbase,) = funded("getblock", only)["tx"]
    assert funded("verifytxoutproof", funded("gettxoutproof", [coinbase])) == [coinbase]


def test_what_cannot_be_proved_is_refused(funded, block) -> None:
    made, txids = block
    waiting = funded("sendtoaddress", funded("getnewaddress"), 1)
    assert funded.refusal("gettxoutproof", [waiting]) == (-5, "Transaction not yet in block")
    assert funded.refusal("gettxoutproof", ["11" * 32]) == (-5, "Transaction not yet in block")
    assert funded.refusal("gettxoutproof", txids, "11" * 32) == (-5, "Block not found")
    assert funded.refusal("gettxoutproof", []) == (-8, "Parameter 'txids' cannot be empty")
    code, message = funded.refusal("gettxoutproof", [txids[0], txids[0]])
    assert code == -8 and message.startswith("Invalid parameter, duplicated txid")
    found = funded.refusal("gettxoutproof", [txids[0], waiting], made)
    assert found == (-5, "Not all transactions found in specified or retrieved block")
    assert funded.refusal("gettxoutproof", ["0" * 32], made)[0] == -8


def test_a_header_alone_proves_nothing(funded, block) -> None:
    header = funded("generateblock", "raw(52)", [], False)
    funded("submitheader", header["hex"])
    problem = (-1, "Block not available (not fully downloaded)")
    assert funded.refusal("gettxoutproof", [block[1][0]], header["hash"]) == problem


def test_proofs_that_were_tampered_with_prove_nothing(funded, block) -> None:
    made, txids = block
    proof = funded("gettxoutproof", [txids[0]], made)
    assert funded("verifytxoutproof", proof[:-2] + "ff") == []
    # An inner node passed off as the only transaction: the count does not fit the block's.
    header = proof[:160]
    root = header[72:136]
    assert funded("verifytxoutproof", f"{header}01000000" + f"01{root}" + "0101") == []
    assert funded.refusal("verifytxoutproof", "00")[0] == -22


def test_a_block_that_left_the_chain_proves_nothing(funded, block) -> None:
    made, txids = block
    proof = funded("gettxoutproof", [txids[0]], made)
    funded("invalidateblock", made)
    funded("syncwithvalidationinterfacequeue")
    assert funded.refusal("verifytxoutproof", proof) == (-5, "Block not found in chain")
    funded("reconsiderblock", made)
    funded("syncwithvalidationinterfacequeue")
    assert funded("verifytxoutproof", proof) == [txids[0]]
