"""Service reviews: a month as it is gone through with the client, and what both agreed to do."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class ReviewsConfig(AppConfig):
    name = "workfloor.ops.reviews"
    label = "reviews"
    place = Place("Reviews", "chart-bar", "reviews:reviews", frozenset({"leader", "manager"}), rank=45)
