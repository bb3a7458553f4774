"""The application of the leader's page."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

FLOOR = Place(gettext_noop("Floor"), "layout-dashboard", "leader:floor", "floor.see", rank=10)

FAILURES = Place(gettext_noop("Failures"), "alert-triangle", "leader:failures", "failures.handle", rank=48)


class LeaderConfig(AppConfig):
    """The leader's page; has no tables."""

    name = "workfloor.desks.leader"
    label = "leader"
    places = (FLOOR, FAILURES)
