"""Vectors are those of BIP380 to BIP389 and of Bitcoin Core's answers; wrong texts get its messages."""

import pytest

from minicoin.core.descriptors.checksum import descriptor_checksum, split_checksum, with_checksum
from minicoin.core.descriptors.infer import KnownScript, infer_descriptor
from minicoin.core.descriptors.parse import parse_descriptor
from minicoin.core.faults import DecodeError
from minicoin.core.params.builtin import lookup
from minicoin.core.script.standard import script_address

NETWORK = lookup("bitcoin-regtest")
MAIN = lookup("bitcoin")
FORM = NETWORK.address_format
XPUB = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
XPRV = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OTHER = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
UNCOMPRESSED = (
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


def scripts(text: str, index: int = 0, network=NETWORK) -> list[list[str]]:
    return [[found.output_script().hex() for found in one.at(index)] for one in parse_descriptor(text, network)]


def addresses(text: str, index: int = 0) -> list[str | None]:
    return [script_address(bytes.fromhex(script), FORM) for script in scripts(text, index)[0]]


# --- checksums ---


def test_checksums_are_bip380s() -> None:
    assert descriptor_checksum("raw(deadbeef)") == "89f8spxm"
    assert split_checksum("raw(deadbeef)#89f8spxm") == ("raw(deadbeef)", "89f8spxm")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raw(deadbeef)#", "Expected 8 character checksum, not 0 characters"),
        ("raw(deadbeef)#89f8spxmx", "Expected 8 character checksum, not 9 characters"),
        ("raw(deedbeef)#89f8spxm", "Provided checksum '89f8spxm' does not match computed checksum"),
        ("raw(deadbeef)##9f8spxm", "Multiple '#' symbols"),
        ("raw(Ü)#00000000", "Invalid characters in payload"),
    ],
)
def test_wrong_checksums_are_refused(text: str, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        parse_descriptor(text, NETWORK)


def test_a_checksum_may_be_required() -> None:
    with pytest.raises(DecodeError, match="Missing checksum"):
        parse_descriptor("raw(deadbeef)", NETWORK, needs_checksum=True)


# --- canonical form ---


@pytest.mark.parametrize(
    "text",
    [
        f"pk({KEY})",
        f"pk({UNCOMPRESSED})",
        f"pkh({OTHER})",
        f"wpkh({KEY})",
        f"sh(wpkh({KEY}))",
        f"combo({KEY})",
        f"sh(wsh(pkh({KEY})))",
        f"multi(1,{KEY},{OTHER})",
        f"wsh(sortedmulti(2,{KEY},{OTHER}))",
        f"tr({KEY[2:]})",
        f"tr({KEY[2:]},{{pk({OTHER[2:]}),{{multi_a(1,{KEY},{OTHER}),pk({KEY[2:]})}}}})",
        f"rawtr({KEY[2:]})",
        f"pkh({XPUB}/1h/2)",
        f"pkh([d34db33f/44h/0h/0h]{XPUB}/1/*)",
        f"wsh(multi(1,{XPUB}/1/0/*,{XPUB}/0/0/*h))",
        "addr(bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5)",
        "raw(51)",
        "raw()",
    ],
)
def test_canonical_texts_stay_as_they_are(text: str) -> None:
    (found,) = parse_descriptor(text, NETWORK)
    assert str(found) == with_checksum(text)


def test_private_keys_are_left_out_of_the_text() -> None:
    (found,) = parse_descriptor(f"wpkh({XPRV}/1/*')", NETWORK)
    assert str(found) == with_checksum(f"wpkh({XPUB}/1/*')")
    assert (found.has_private_keys, found.is_range, found.is_solvable) == (True, True, True)
    assert XPRV not in repr(found)


def test_branches_become_several() -> None:
    found = parse_descriptor(f"wsh(multi(1,{XPUB}/<1;2>/0/*,{XPUB}/<2;3>/0/*,{KEY}))", NETWORK)
    assert [str(one) for one in found] == [
        with_checksum(f"wsh(multi(1,{XPUB}/1/0/*,{XPUB}/2/0/*,{KEY}))"),
        with_checksum(f"wsh(multi(1,{XPUB}/2/0/*,{XPUB}/3/0/*,{KEY}))"),
    ]


# --- scripts ---


def test_scripts_are_bip381s_to_386s() -> None:
    # BIP381, BIP382, BIP383, BIP384, BIP386: the scripts of their vectors, with the keys of the main network.
    wif = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
    key = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
    assert scripts(f"pk({wif})", network=MAIN) == scripts(f"pk({key})", network=MAIN) == [[f"21{key}ac"]]
    assert scripts(f"pkh({key})") == [["76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"]]
    assert scripts(f"wpkh({key})") == [["00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"]]
    assert scripts(f"sh(wpkh({key}))") == [["a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"]]
    assert scripts(f"combo({key})")[0][3] == "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"
    internal = "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
    assert scripts(f"tr({internal})") == [["512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"]]
    second = "669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0"
    assert scripts(f"tr({internal},pk({second}))") == [
        ["512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754"]
    ]


def test_derived_addresses_are_bitcoin_cores() -> None:
    address = "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5"
    assert addresses(f"wpkh({XPRV}/1/1/0)#t6wfjs64") == addresses(f"wpkh({XPUB}/1/1/0)#s9ga3alw") == [address]
    assert addresses(f"wpkh({XPRV}/1/1/*)", 1) == ["bcrt1qhku5rq7jz8ulufe2y6fkcpnlvpsta7rq4442dy"]
    assert addresses(f"wpkh({XPRV}/1/1/*)", 2147483647) == ["bcrt1qtzs23vgzpreks5gtygwxf8tv5rldxvvsyfpdkg"]
    assert addresses(f"pkh({XPRV}/0'/0'/1500')") == ["n37dAGe6Mq1HGM9t4b6rFEEsDGq7Fcgfqg"]
    combo = addresses(f"combo({XPRV}/1/1/0)")
    assert combo == [None, "mtfUoUax9L4tzXARpw1oTGxWyoogp52KhJ", address, "2NDvEwGfpEqJWfybzpKPHF2XH3jwoQV3D7x"]


def test_what_an_index_stands_for_names_the_origin_of_its_keys() -> None:
    (found,) = parse_descriptor(f"combo({XPRV}/0h/0h/*)", NETWORK)
    key = "026dbd8b2315f296d36e6b6920b1579ca75569464875c7ebe869b536a7d9503c8c"
    assert str(found.at(0)[1]) == f"pkh([0c5f9a1e/0h/0h/0]{key})#rthll0rg"


def test_keys_are_sorted_where_asked() -> None:
    (one,), (other,) = scripts(f"wsh(sortedmulti(1,{OTHER},{KEY}))"), scripts(f"wsh(sortedmulti(1,{KEY},{OTHER}))")
    assert one == other != scripts(f"wsh(multi(1,{OTHER},{KEY}))")[0]


# --- refusals ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is not a valid descriptor function"),
        (f"pk( {KEY})", f"pk\\(\\): Key ' {KEY}' is invalid due to whitespace"),
        (f"wsh(multi(1, {KEY}))", f"Multi: Key ' {KEY}' is invalid due to whitespace"),
        ("pk()", "pk\\(\\): No key provided"),
        ("pk(00)", "pk\\(\\): Pubkey '00' is invalid"),
        (f"wpkh({UNCOMPRESSED})", "wpkh\\(\\): Uncompressed keys are not allowed"),
        (f"pk(06{UNCOMPRESSED[2:]})", "Hybrid public keys are not allowed"),
        ("pkh(xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1"
         "EGMcet8)", "is not valid"),
        (f"pkh({XPUB}/2147483648)", "Key path value 2147483648 is out of range"),
        (f"pkh({XPUB}/1aa)", "Key path value '1aa' is not a valid uint32"),
        (f"pkh({XPUB}/<1>)", "Multipath key path specifiers must have at least two items"),
        (f"pkh({XPUB}/<1;1>)", "Duplicated key path value 1 in multipath specifier"),
        (f"pkh({XPUB}/<1;2>/<1;2>)", "Multiple multipath key path specifiers found"),
        (f"pkh([d34db33f/<1;2>]{XPUB})", "multipath is not allowed"),
        (f"pkh([aaaaaaa]{KEY})", "Fingerprint is not 4 bytes"),
        (f"pkh([gggggggg]{KEY})", "Fingerprint 'gggggggg' is not hex"),
        (f"pkh(aaaaaaaa]{KEY})", "Key origin start"),
        (f"sh(sh(pk({KEY})))", "Can only have sh\\(\\) at top level"),
        (f"wsh(wpkh({KEY}))", "Can only have wpkh\\(\\) at top level or inside sh\\(\\)"),
        (f"sh(combo({KEY}))", "Can only have combo\\(\\) at top level"),
        (f"multi(0,{KEY})", "Multisig threshold cannot be 0, must be at least 1"),
        (f"multi(2,{KEY})", "threshold is 2 but only 1 keys specified"),
        (f"multi(a,{KEY})", "Multi threshold 'a' is not valid"),
        (f"multi(1,{KEY},{KEY},{KEY},{KEY})", "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"),
        (f"sh(multi(1{f',{KEY}' * 16}))", "P2SH script is too large, 547 bytes is larger than 520 bytes"),
        (f"wsh(multi(1{f',{KEY}' * 21}))", "Cannot have 21 keys in multisig"),
        (f"wsh(multi(1,{XPUB}/<1;2>,{XPUB}/<1;2;3>))", "Multipath derivation paths have mismatched lengths"),
        ("addr(asdf)", "Address is not valid"),
        ("addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2)", "Address is not valid"),
        ("raw(asdf)", "Raw script is not hex"),
        ("sh(51)", "A function is needed within P2SH"),
        ("wsh(51)", "A function is needed within P2WSH"),
        (f"wsh(and_v(v:pk({KEY}),after(10)))", "miniscript is not understood here"),
        (f"tr({KEY[2:]},{{pk({KEY[2:]})}})", "expected ','"),
        (f"tr({KEY[2:]},{'{' * 129}pk({KEY})" + f",pk({KEY})}}" * 129 + ")", "at most 128 nesting levels"),
        (f"tr({KEY[2:]},{{pk({KEY}),pk({KEY}),pk({KEY})}})", "expected '}'"),
        (f"tr({KEY[2:]},pk({KEY})}})", "expected '\\)'"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        parse_descriptor(text, NETWORK)


def test_hardened_steps_need_the_private_key() -> None:
    for text in (f"wpkh({XPUB}/1'/1/0)", f"wpkh({XPUB}/*h)"):
        (found,) = parse_descriptor(text, NETWORK)
        with pytest.raises(DecodeError, match="Cannot derive script without private keys"):
            found.at(0)


# --- the other way ---


def test_descriptors_of_bare_scripts() -> None:
    assert infer_descriptor(bytes.fromhex(f"21{KEY}ac"), FORM).payload() == f"pk({KEY})"
    assert infer_descriptor(bytes.fromhex("0014" + "11" * 20), FORM).payload().startswith("addr(bcrt1q")
    assert infer_descriptor(bytes.fromhex("6a0101"), FORM).payload() == "raw(6a0101)"
    assert infer_descriptor(bytes.fromhex(f"5120{KEY[2:]}"), FORM).payload() == f"rawtr({KEY[2:]})"
    # No point of the curve has this x: nobody can spend it, and it is an address all the same.
    assert infer_descriptor(b"\x51\x20" + b"\xff" * 32, FORM).payload().startswith("addr(bcrt1p")


def test_descriptors_of_multisig_scripts() -> None:
    (bare,) = parse_descriptor(f"multi(1,{KEY},{OTHER})", NETWORK)
    script = bare.output_script()
    assert infer_descriptor(script, FORM).payload() == bare.payload()
    (segwit,) = parse_descriptor(f"wsh({bare.payload()})", NETWORK)
    assert infer_descriptor(segwit.output_script(), FORM, KnownScript(script)).payload() == segwit.payload()
