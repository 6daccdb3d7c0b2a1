"""The model in its two roles."""

import pytest
from tests.unit.overlay.supernode.made import setup_of

from minicoin.core.faults import MisuseError
from minicoin.core.overlay.supernode.leaf import LeafOverlay
from minicoin.core.overlay.supernode.model import make_supernode
from minicoin.core.overlay.supernode.super import SuperOverlay


def test_the_role_is_the_node_s():
    assert type(make_supernode(setup_of(1, "leaf"))) is LeafOverlay
    assert type(make_supernode(setup_of(1, "super"))) is SuperOverlay


def test_a_super_node_that_cannot_sign_is_refused_and_a_leaf_is_not():
    with pytest.raises(MisuseError, match="needs an Ed25519 or secp256k1 identity"):
        make_supernode(setup_of(1, "super", signs=False))
    assert type(make_supernode(setup_of(1, "leaf", signs=False))) is LeafOverlay
