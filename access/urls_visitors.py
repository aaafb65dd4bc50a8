"""The address of visitors' links, of the namespace of access.urls: short, for it is read out and typed."""

from django.urls import path

from access.views import visitors

urlpatterns = [
    # Without its last slash too: being sent on there would leave an answer without the headers of this page.
    path("v/<str:secret>", visitors.visitor_pass, name="visitor_pass"),
    path("v/<str:secret>/", visitors.visitor_pass, name="visitor_pass"),
]
