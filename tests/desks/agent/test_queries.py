from workfloor.desks.agent import queries as agent_queries


def test_a_day_is_what_was_done_and_how_long_each_took_on_average():
    assert agent_queries.day([60, 120, 30]) == agent_queries.Day(3, 70)
    assert agent_queries.day([]) == agent_queries.Day(0, None)
