"""Compiled functions give what plain ones give."""

from workfloor.kit.figures import compiled


def bits(number):
    return number.bit_length()


def test_a_number_has_as_many_bits_compiled_as_plain():
    run = compiled.function(bits, {}, {})
    numbers = [0, 1, 2, 3, 255, 256, 2**61, 2**62 - 1]

    assert [run(each) for each in numbers] == [bits(each) for each in numbers]
