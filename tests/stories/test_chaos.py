"""Leaders killed, agents cut off, the database stopped: nothing is lost, doubled, stuck or passed over."""

import sys

import pytest

from benchmarks import chaos


@pytest.mark.installation
def test_a_storm_breaks_nothing(capsys):
    told = chaos.storm(agents=200, items=2_000, kills=10)

    with capsys.disabled():
        gaps = ", ".join(f"{gap:.2f}" for gap in told.gaps)
        sys.stdout.write(
            f"\nseconds without offers after each kill: {gaps}; {told.cuts} cuts, {told.seconds:.0f} s in all\n"
        )
    assert told.faults == []
    assert len(told.kills) == 10
    assert told.restarts == 1
    assert told.cuts > 0
    assert all(gap < float("inf") for gap in told.gaps)  # after every kill offers went on
