"""What an operator does to a bank's node: an upgrade of each in turn, a standby that takes over, a backup put back.

Five banks and a standby as processes, one set of them for all; payments go on, no height is signed twice, no block is
lost. What a node is asked, it is asked by the calls behind the commands of docs/upkeep.md.
"""

import shutil
from pathlib import Path

import pytest
from tests.waiting import wait_until

from minicoin.app.signing_key import SIGNING_KEY_FILE

from .bank_processes import Bank, Consortium, Load, Watch, consortium, wait_all_met
from .test_registry_contract import folder

UPGRADED = "upgraded"


def signs(bank: Bank) -> bool:
    return bank.call("getconsensusinfo")["signs"]


def abstains(bank: Bank) -> str:
    return bank.call("getconsensusinfo")["abstains"] or ""


def test_a_consortium_is_kept_up(tmp_path: Path) -> None:
    with (
        folder(tmp_path) as place,
        consortium(tmp_path / "lab", place.words, 5, 6) as (banks, load),
    ):
        wait_all_met(banks.banks)
        watch = Watch()
        load.wait_more(2)
        backup = tmp_path / "backup"
        shutil.copytree(banks.banks[1].datadir / "state", backup)
        each_is_upgraded_in_turn(banks, load, watch)
        standby = a_standby_follows(banks, load)
        it_takes_over(banks, load, standby, watch)
        a_backup_is_put_back(banks, load, standby, backup, watch)


def each_is_upgraded_in_turn(banks: Consortium, load: Load, watch: Watch) -> None:
    for bank in banks.banks:
        others = [other for other in banks.banks if other is not bank]
        load.only(others)
        bank.stop()
        load.wait_more(2)
        bank.start("--uacomment", UPGRADED)
        bank.wait_up()
        # As docs/upkeep.md says: the next one when this one signs again.
        wait_until(lambda bank=bank: signs(bank), f"{bank} signs again")
        load.only(banks.banks)
    load.wait_more(len(banks.banks))
    wait_all_met(banks.banks)
    for bank in banks.banks:
        assert all(UPGRADED in peer["subver"] for peer in bank.call("getpeerinfo") if peer["version"])
    watch.check(banks.banks)


def a_standby_follows(banks: Consortium, load: Load) -> Bank:
    first, standby = banks.banks[0], banks.all[5]
    for left in ("signing.key", "state/sign-state"):
        (standby.datadir / left).unlink()
    shutil.copy(first.datadir / SIGNING_KEY_FILE, standby.datadir)
    version = banks.admit([{"name": first.name, "member": first.member, "peerids": [first.peer_id, standby.peer_id]}])
    for bank in banks.banks:
        wait_until(lambda bank=bank: bank.admission["version"] == version, f"the admission at {bank}")
    standby.start("--standby")
    standby.wait_up()
    wait_until(lambda: len(standby.peers) == len(banks.banks), "the standby's peers")
    load.wait_more(2)
    wait_until(lambda: standby.height >= first.height, "the standby follows")
    assert abstains(standby).startswith("it stands by")
    # The first one is there, so it is refused, and nobody stops for it.
    with pytest.raises(AssertionError, match="the node that signs with the key is connected"):
        standby.call("takeover")
    load.wait_more(2)
    assert all(signs(bank) for bank in banks.banks) and not signs(standby)
    return standby


def it_takes_over(banks: Consortium, load: Load, standby: Bank, watch: Watch) -> None:
    first, *others = banks.banks
    load.only(others)
    first.kill()
    wait_until(lambda: first.peer_id not in standby.peers, "the standby sees that it is gone")
    # It ends when the standby signs.
    standby.cli("members takeover")
    assert signs(standby)
    # With one more down every block needs its vote.
    load.only(others[:3])
    others[3].stop()
    load.wait_more(5)
    watch.check([*others[:3], standby])
    others[3].start("--uacomment", UPGRADED)
    others[3].wait_up()
    wait_until(lambda: signs(others[3]), f"{others[3]} signs again")
    load.only(others)
    load.wait_more(2)
    watch.check([*others, standby])


def a_backup_is_put_back(banks: Consortium, load: Load, standby: Bank, backup: Path, watch: Watch) -> None:
    """While the chain stands still, so that the others have votes of the height."""
    first, restored, third, fourth, fifth = banks.banks
    load.only([restored, third])
    load.end()
    load.check()
    fourth.kill()
    fifth.kill()
    third.pay(restored)

    def voted() -> bool:
        rows = third.call("getconsensusinfo")["members"]
        return any(row["key"] == restored.member and row["round"] is not None for row in rows)

    wait_until(voted, "a vote of the height that cannot be decided")
    restored.kill()
    state, right = restored.datadir / "state", restored.datadir / "right"
    shutil.copytree(state, right)
    for name in ("sign-state", "sign-blocks"):
        shutil.copy(backup / name, state)
    restored.start()
    restored.wait_up()
    wait_until(lambda: "its record lacks" in abstains(restored), "it is said at the node")
    assert "docs/upkeep.md" in abstains(restored)
    assert "signing-stopped" in restored.node.log
    # What it really signed is put back, and the others come: the height is decided.
    height = third.height
    restored.kill()
    for name in ("sign-state", "sign-blocks"):
        shutil.copy(right / name, state)
    for bank in (restored, fourth, fifth):
        bank.start()
    for bank in (restored, fourth, fifth):
        bank.wait_up()
    wait_until(lambda: third.height > height, "the height is decided")
    # What was the first node comes back as a standby.
    first.start("--standby")
    first.wait_up()
    up = [first, restored, third, fourth, fifth, standby]
    wait_until(lambda: min(bank.height for bank in up) > height, "all have it")
    assert abstains(first).startswith("it stands by")
    watch.check(up)
