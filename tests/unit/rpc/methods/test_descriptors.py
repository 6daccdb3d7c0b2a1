import pytest

from minicoin.core.descriptors.checksum import with_checksum
from minicoin.rpc.methods import descriptors

KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OTHER = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
UNCOMPRESSED = (
    "0408ef68c46d20596cc3f6ddf7c8794f71913add807f1dc55949fa805d764d191c"
    "0b7ce6894c126fce0babc6663042f3dde9b0cf76467ea315514e5a6731149c67"
)
XPUB = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
XPRV = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"


def test_what_a_descriptor_means(rpc) -> None:
    assert rpc("getdescriptorinfo", f"wpkh({XPRV}/1/*)") == {
        "descriptor": with_checksum(f"wpkh({XPUB}/1/*)"),
        "checksum": with_checksum(f"wpkh({XPRV}/1/*)")[-8:],
        "isrange": True,
        "issolvable": True,
        "hasprivatekeys": True,
    }
    info = rpc("getdescriptorinfo", f"wpkh({XPUB}/<0;1>/*)")
    assert info["multipath_expansion"] == [with_checksum(f"wpkh({XPUB}/{branch}/*)") for branch in (0, 1)]
    assert rpc("getdescriptorinfo", "raw(51)")["issolvable"] is False
    assert rpc.refusal("getdescriptorinfo", "") == (-5, "'' is not a valid descriptor function")
    assert rpc.refusal("getdescriptorinfo", "raw(51)#aaaaaaaa")[0] == -5


def test_addresses_are_the_networks_own(rpc) -> None:
    (address,) = rpc("deriveaddresses", with_checksum(f"wpkh({KEY})"))
    assert address.startswith("mcrt1q")
    assert rpc("validateaddress", address)["isvalid"]
    assert rpc.refusal("getdescriptorinfo", "addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)")[1] == (
        "Address is not valid"
    )


def test_addresses_of_a_range(rpc) -> None:
    text = with_checksum(f"wpkh({XPUB}/1/1/*)")
    first, second, third = rpc("deriveaddresses", text, 2)
    assert rpc("deriveaddresses", text, [1, 2]) == [second, third]
    branches = rpc("deriveaddresses", with_checksum(f"wpkh({XPUB}/1/<0;1>/*)"), [0, 0])
    assert branches[1] == [first] != branches[0]
    assert len(rpc("deriveaddresses", with_checksum(f"combo({XPUB}/1/1/0)"))) == 3


@pytest.mark.parametrize(
    ("text", "ends", "answer"),
    [
        (f"wpkh({XPUB}/0)", [0, 2], (-8, "Range should not be specified for an un-ranged descriptor")),
        (f"wpkh({XPUB}/*)", None, (-8, "Range must be specified for a ranged descriptor")),
        (f"wpkh({XPUB}/*)", 10_000_000_000, (-8, "End of range is too high")),
        (f"wpkh({XPUB}/*)", -1, (-8, "End of range is too high")),
        (f"wpkh({XPUB}/*)", [1_000_000_000, 2_000_000_000], (-8, "Range is too large")),
        (f"wpkh({XPUB}/*)", [2, 0], (-8, "Range specified as [begin,end] must not have begin after end")),
        (f"wpkh({XPUB}/*)", [-1, 0], (-8, "Range should be greater or equal than 0")),
        (f"wpkh({XPUB}/*)", [1], (-8, "Range must be specified as end or as [begin,end]")),
        (f"wpkh({XPUB}/1h)", None, (-5, "Cannot derive script without private keys")),
        (f"pk({KEY})", None, (-5, "Descriptor does not have a corresponding address")),
        (f"multi(1,{KEY},{OTHER})", None, (-5, "Descriptor does not have a corresponding address")),
    ],
)
def test_ranges_and_descriptors_without_addresses_are_refused(rpc, text: str, ends, answer: tuple[int, str]) -> None:
    assert rpc.refusal("deriveaddresses", with_checksum(text), ends) == answer


def test_a_checksum_is_required_to_derive(rpc) -> None:
    assert rpc.refusal("deriveaddresses", "a") == (-5, "Missing checksum")


def test_one_call_derives_no_more_than_its_share(rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors.ScriptBudget.__init__, "__defaults__", (10,))
    text = with_checksum(f"wpkh({XPUB}/*)")
    assert len(rpc("deriveaddresses", text, 9)) == 10
    code, message = rpc.refusal("deriveaddresses", text, 10)
    assert code == -8 and "parts of the range" in message


@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32"])
def test_multisig_addresses(rpc, kind: str) -> None:
    made = rpc("createmultisig", 2, [KEY, OTHER], kind)
    inner = f"multi(2,{KEY},{OTHER})"
    texts = {"legacy": f"sh({inner})", "p2sh-segwit": f"sh(wsh({inner}))", "bech32": f"wsh({inner})"}
    assert made["descriptor"] == with_checksum(texts[kind])
    assert rpc("deriveaddresses", made["descriptor"]) == [made["address"]]
    assert made["redeemScript"] == f"5221{KEY}21{OTHER}52ae"
    assert "warnings" not in made


def test_uncompressed_keys_stay_out_of_segwit(rpc) -> None:
    made = rpc("createmultisig", 1, [KEY, UNCOMPRESSED], "bech32")
    assert made["address"] == rpc("createmultisig", 1, [KEY, UNCOMPRESSED])["address"]
    assert made["warnings"] == [
        "Unable to make chosen address type, please ensure no uncompressed public keys are present."
    ]


@pytest.mark.parametrize(
    ("required", "keys", "kind", "code", "problem"),
    [
        (0, [KEY], "legacy", -8, "must require at least one key"),
        (2, [KEY], "legacy", -8, "not enough keys supplied (got 1 keys, but need at least 2 to redeem)"),
        (16, [KEY] * 21, "bech32", -8, "Number of keys involved in the multisignature address creation > 20"),
        (16, [KEY] * 20, "legacy", -8, "redeemScript exceeds size limit: 684 > 520"),
        (1, ["zz"], "legacy", -5, 'Pubkey "zz" must be a hex string'),
        (1, ["02" * 32], "legacy", -5, "must have a length of either 33 or 65 bytes"),
        (1, ["02" + "ff" * 32], "legacy", -5, "must be cryptographically valid."),
        (1, [KEY], "bech32m", -5, "createmultisig cannot create bech32m multisig addresses"),
        (1, [KEY], "nonsense", -5, "Unknown address type 'nonsense'"),
    ],
)
def test_bad_multisigs_are_refused(rpc, required: int, keys: list[str], kind: str, code: int, problem: str) -> None:
    found = rpc.refusal("createmultisig", required, keys, kind)
    assert found[0] == code and problem in found[1]
