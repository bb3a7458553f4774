"""The addresses of reviews."""

from django.urls import path

from workfloor.ops.relationship import views as relationship_views

app_name = "relationship"
_REVIEW = "clients/<slug:slug>/reviews/<str:period>/"
urlpatterns = [
    path("reviews/", relationship_views.reviews, name="reviews"),
    path(_REVIEW, relationship_views.review, name="review"),
    path(f"{_REVIEW}review.pdf", relationship_views.paper, name="paper"),
    path(f"{_REVIEW}ahead/", relationship_views.ahead, name="ahead"),
]
