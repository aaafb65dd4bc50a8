"""The addresses of passes, all of the namespace of access.urls."""

from django.urls import path

from access.views.passes import deletions, lists, making, matching

urlpatterns = [
    path("passes/", lists.pass_list, name="pass_list"),
    path("passes/new/", making.pass_create, name="pass_create"),
    path("passes/deletions/", deletions.pass_delete, name="pass_delete"),
    path("passes/<str:pass_id>/matches/", matching.pass_match, name="pass_match"),
    path("families/<str:family_id>/passes/", lists.family_passes, name="family_passes"),
]
