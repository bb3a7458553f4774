"""What a simulated contact can come to, and what a measure counts of each: a word in place of code, for any twin."""

from typing import NamedTuple

# What is counted of a contact: nothing, that it missed, that it met, whether its wait is within the threshold; or
# seconds: its wait, its wrap-up, all its handling.
SKIPPED, MISSED, MET, IS_WITHIN, WAIT, WRAP_UP, HANDLING = range(7)


class Fates(NamedTuple):
    """What a measure counts of a contact that nobody could take, of an answered and of an abandoned one."""

    left: int
    answered: int
    abandoned: int


# The measures that a simulation does not know count nothing in it.
NOTHING = Fates(SKIPPED, SKIPPED, SKIPPED)
