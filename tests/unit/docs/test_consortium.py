"""What docs/consortium.md says of numbers is what the code does."""

from pathlib import Path

from minicoin.core.signers.members import member_list

PAGE = Path(__file__).parents[3] / "docs/consortium.md"


def test_the_table_of_quorums_is_the_codes() -> None:
    _, found, rest = PAGE.read_text().partition("<!-- quorums -->\n")
    assert found
    rows = [
        [int(cell) for cell in line.strip("|\n ").split("|")] for line in rest.split("<!-- end -->")[0].splitlines()[2:]
    ]
    assert len(rows) == 10
    for count, faults, quorum, down in rows:
        members = member_list(number.to_bytes(32, "big") for number in range(1, count + 1))
        assert (faults, quorum, down) == (members.faults, members.quorum, count - members.quorum)
