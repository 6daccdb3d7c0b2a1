import pytest

SECOND_US = 1_000_000
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.fixture
def sealed(rpc):
    rpc.named("createwallet", passphrase="correct horse")
    return rpc


def test_without_a_wallet_everything_says_so(rpc) -> None:
    assert rpc("listwallets") == []
    for method in ("getbalance", "getnewaddress", "getwalletinfo", "listunspent", "listaddresses", "walletlock"):
        code, message = rpc.refusal(method)
        assert code == -18
        assert "createwallet" in message


def test_creating_tells_the_words_once(rpc) -> None:
    created = rpc("createwallet")
    assert len(created["mnemonic"].split()) == 12
    assert created["warnings"]
    assert rpc("listwallets") == [created["name"]]
    assert rpc.refusal("createwallet")[0] == -4
    assert created["mnemonic"] not in str(rpc("getwalletinfo"))


def test_wallets_without_keys_are_refused(rpc) -> None:
    assert rpc.refusal("createwallet", "w", True)[0] == -4
    assert rpc.refusal("createwallet", "w", False, True)[0] == -4


def test_restoring_gives_the_same_addresses_and_finds_the_money(pair) -> None:
    first, second = pair
    words = first("createwallet")["mnemonic"]
    address = first("getnewaddress")
    first("generatetoaddress", 2, address)
    for height in (1, 2):
        second("submitblock", first("getblock", first("getblockhash", height), 0))
    restored = second.named("createwallet", mnemonic=words.upper())
    assert "mnemonic" not in restored
    second.port.pass_time(10 * SECOND_US)
    assert second("getbalances")["mine"]["immature"] == 100
    assert second("getaddressinfo", address)["ismine"] is True


@pytest.mark.parametrize("words", ["one two", WORDS.replace("about", "abandon"), WORDS.replace("about", "xyzzy")])
def test_wrong_words_are_refused(rpc, words: str) -> None:
    code, message = rpc.named_refusal("createwallet", mnemonic=words)
    assert code == -8
    assert "seed words" in message
    assert rpc("listwallets") == []


def test_a_known_seed_gives_its_published_address(rpc) -> None:
    # BIP84's test vector names bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu for coin type 0; here the coin type is 1.
    rpc.named("createwallet", mnemonic=WORDS)
    info = rpc("getaddressinfo", rpc("getnewaddress", "first"))
    assert info["hdkeypath"] == "m/84h/1h/0h/0/0"
    assert info["labels"] == ["first"]
    assert len(info["pubkey"]) == 66


def test_locking(sealed) -> None:
    info = sealed("getwalletinfo")
    assert (info["encrypted"], info["locked"], info["unlocked_until"]) == (True, True, 0)
    address = sealed("getnewaddress")
    sealed("generatetoaddress", 102, address)
    assert sealed.refusal("sendtoaddress", address, 1)[0] == -13
    assert sealed.refusal("walletpassphrase", "wrong", 60)[0] == -14
    assert sealed.refusal("walletpassphrase", "", 60)[0] == -8
    assert sealed.refusal("walletpassphrase", "correct horse", -1)[0] == -8
    assert sealed("walletpassphrase", "correct horse", 60) is None
    assert sealed("getwalletinfo")["unlocked_until"] > 0
    assert len(sealed("sendtoaddress", address, 1)) == 64
    assert sealed("walletlock") is None
    assert sealed.refusal("sendtoaddress", address, 1)[0] == -13
    sealed("walletpassphrase", "correct horse", 5)
    sealed.port.pass_time(6 * SECOND_US)
    assert sealed("getwalletinfo")["locked"] is True


def test_an_unencrypted_wallet_has_no_lock(rpc) -> None:
    rpc("createwallet")
    assert rpc.refusal("walletlock")[0] == -15
    assert rpc.refusal("walletpassphrase", "x", 1)[0] == -15


def test_addresses(rpc) -> None:
    rpc("createwallet")
    first, second = rpc("getnewaddress", "rent"), rpc("getnewaddress")
    rows = rpc("listaddresses")
    assert [(row["address"], row["label"], row["amount"]) for row in rows] == [(first, "rent", 0), (second, "", 0)]
    assert rpc.refusal("getnewaddress", "", "legacy")[0] == -8
    assert rpc.refusal("getnewaddress", "x" * 300)[0] == -8
    foreign = rpc("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")["address"]
    info = rpc("getaddressinfo", foreign)
    assert (info["ismine"], info["labels"]) == (False, [])
    assert rpc.refusal("getaddressinfo", "nowhere")[0] == -5


def test_the_path_names_the_wallet(rpc) -> None:
    name = rpc("createwallet")["name"]
    assert rpc("getbalance", wallet=name) == 0
    assert rpc.refusal("getbalance", wallet="other")[0] == -18


def test_rescan(rpc) -> None:
    rpc("createwallet")
    rpc("generatetoaddress", 3, rpc("getnewaddress"))
    assert rpc("rescanblockchain") == {"start_height": 0, "stop_height": 3}
    assert rpc("rescanblockchain", 2) == {"start_height": 2, "stop_height": 3}
    assert rpc("getbalances")["mine"]["immature"] == 150
    assert rpc.refusal("rescanblockchain", 4)[0] == -8
    assert rpc.refusal("rescanblockchain", -1)[0] == -8
    assert rpc.refusal("rescanblockchain", 0, 2)[0] == -8
