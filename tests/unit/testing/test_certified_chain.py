"""The maker of certified chains: the same keys give the same bytes, and quorums what they sign."""

from minicoin.core.params.rules import SignersKind
from minicoin.testing.certified_chain import CertifiedMaker, allocation_of, public, signer_network, signing_keys


def make(count: int, **options) -> CertifiedMaker:
    keys = signing_keys(count)
    made = CertifiedMaker(signer_network(keys, **options), keys)
    made.grow(3)
    return made


def test_equal_keys_give_equal_chains() -> None:
    assert [one.raw for one in make(4).blocks] == [one.raw for one in make(4).blocks]
    assert make(4).blocks[-1].kept == make(4).blocks[-1].kept
    assert make(4).network.network_id != make(5).network.network_id
    assert signing_keys(3) != signing_keys(3, start=10)


def test_a_quorum_signs_each_block() -> None:
    for count, quorum in ((1, 1), (3, 2), (4, 3), (5, 4), (10, 7)):
        made = make(count)
        assert isinstance(made.network.proof, SignersKind)
        founding = made.network.proof.founding_list
        assert founding.keys == tuple(map(public, signing_keys(count)))
        for one in made.blocks:
            assert len(one.certificate.signatures) == quorum
            assert one.certificate.problem(founding, made.network.network_id) is None


def test_what_block_one_pays_can_be_told() -> None:
    made = make(4, allocation=allocation_of(2, 500))
    assert [coin.output.value for coin in made.allocated] == [500, 500]
