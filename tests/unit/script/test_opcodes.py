"""Names, small numbers and the opcodes of BIP342 that end a script well."""

from minicoin.core.script import opcodes
from minicoin.core.script.opcodes import is_op_success, opcode_name, small_number


def test_templates_and_names_agree() -> None:
    """Two lists of one thing: the constants and the row of names."""
    constants = {name: value for name, value in vars(opcodes).items() if name.startswith("OP_")}
    numbers = {"OP_0": "0", "OP_1NEGATE": "-1", "OP_1": "1", "OP_16": "16"}
    assert {name: opcode_name(value) for name, value in constants.items()} == {
        name: numbers.get(name, name) for name in constants
    }


def test_the_last_name_of_the_row_is_at_its_place_and_behind_it_nothing_is_known() -> None:
    assert opcode_name(0xBA) == "OP_CHECKSIGADD"
    assert {opcode_name(number) for number in range(0xBB, 0xFF)} == {"OP_UNKNOWN"}
    assert opcode_name(0xFF) == "OP_INVALIDOPCODE"


def test_small_numbers_are_those_of_seventeen_opcodes() -> None:
    found = {number: small_number(number) for number in range(256) if small_number(number) is not None}
    assert found == {0: 0} | {0x50 + number: number for number in range(1, 17)}


def test_87_opcodes_succeed_and_none_of_them_is_used() -> None:
    """BIP342 lists them; OP_RESERVED and OP_VER have names and succeed all the same."""
    succeeding = [number for number in range(256) if is_op_success(number)]
    assert len(succeeding) == 87
    assert not {number for number in succeeding if number in vars(opcodes).values()} - {opcodes.OP_RESERVED}
    assert not is_op_success(0xBA) and is_op_success(0xBB) and not is_op_success(0xFF)
