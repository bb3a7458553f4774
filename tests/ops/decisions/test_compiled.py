"""What the live router decided, and what the twin's compiled policy decides of the same, are the same bytes."""

import random

import pytest

from tests.ops.decisions.test_rules import log_of
from workfloor.kit import compiled
from workfloor.ops.decisions import rules as decisions
from workfloor.ops.dispatch import rules as dispatch
from workfloor.ops.router import rules as policy

WHAT = ("arrive", "arrive", "arrive", "end", "decline", "away", "back", "wait", "undo")


@pytest.mark.installation  # for it takes so long to compile
def test_the_compiled_policy_writes_the_same_log():
    chance = random.Random(7)
    lines = log_of([(chance.choice(WHAT), chance.randrange(40)) for _ in range(2_000)])
    twin = compiled.compiled(policy, _nrt=False)

    assert list(decisions.replayed(lines, lambda: dispatch.Mind(twin, compiled.arrays))) == lines
