"""The application of the leader's page."""

from django.apps import AppConfig

from workfloor.ui.places import Place

FLOOR = Place("Floor", "layout-dashboard", "leader:floor", "floor.see", rank=10)

FAILURES = Place("Failures", "alert-triangle", "leader:failures", "failures.handle", rank=64)


class LeaderConfig(AppConfig):
    """The leader's page; has no tables."""

    name = "workfloor.desks.leader"
    label = "leader"
    places = (FLOOR, FAILURES)
