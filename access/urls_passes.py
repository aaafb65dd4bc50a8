"""The addresses of passes, all of the namespace of access.urls."""

from django.urls import path

from access.views.passes import deletions, lists

urlpatterns = [
    path("passes/", lists.pass_list, name="pass_list"),
    path("passes/deletions/", deletions.pass_delete, name="pass_delete"),
    path("families/<str:family_id>/passes/", lists.family_passes, name="family_passes"),
]
