"""The addresses of reviews."""

from django.urls import path

from workfloor.ops.reviews import views

app_name = "reviews"
_REVIEW = "clients/<slug:slug>/reviews/<str:period>/"
urlpatterns = [
    path("reviews/", views.reviews, name="reviews"),
    path(_REVIEW, views.review, name="review"),
    path(f"{_REVIEW}review.pdf", views.paper, name="paper"),
    path(f"{_REVIEW}ahead/", views.ahead, name="ahead"),
]
