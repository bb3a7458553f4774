"""The relationship with a client: the service review of a month, and what both agreed to do."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

REVIEWS = Place(gettext_noop("Reviews"), "chart-bar", "relationship:reviews", "reviews.read", rank=45)


class RelationshipConfig(AppConfig):
    name = "workfloor.ops.relationship"
    label = "relationship"
    places = (REVIEWS,)
