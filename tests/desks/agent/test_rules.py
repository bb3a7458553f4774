from workfloor.desks.agent import rules


def test_a_day_is_what_was_done_and_how_long_each_took_on_average():
    assert rules.day([60, 120, 30]) == rules.Day(3, 70)
    assert rules.day([]) == rules.Day(0, None)
