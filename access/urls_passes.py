"""The addresses of passes, all of the namespace of access.urls."""

from django.urls import path

from access.views import pass_deletions, passes

urlpatterns = [
    path("passes/", passes.pass_list, name="pass_list"),
    path("passes/deletions/", pass_deletions.pass_delete, name="pass_delete"),
    path("families/<str:family_id>/passes/", passes.family_passes, name="family_passes"),
]
