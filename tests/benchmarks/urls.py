"""The portal's addresses; beside them the peer's pages, and a view that does nothing behind the same middleware."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from access.models import Opening
from portal.policies import POLICIES as PORTAL_POLICIES
from portal.web.access import GET_POST, Policy


class Site(admin.AdminSite):
    """The admin, open to whoever is signed in: our people have no permissions of Django's kind."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated


class OpeningAdmin(admin.ModelAdmin):
    """The log as the admin is usually set up for it: the columns of ours, its filters, its search."""

    list_display = ("at", "family", "account_name", "device_name", "open_door_type", "is_success", "picture")
    list_select_related = ("family", "command")
    list_filter = ("is_success", "family__property")
    search_fields = ("account_name", "device_name", "family__name")
    list_per_page = 50
    ordering = ("-at", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True


def nothing(request: HttpRequest) -> HttpResponse:
    """The limit of every page: the middleware, the session and the person, and nothing else."""
    return HttpResponse(str(request.user.pk))


site = Site(name="admin")
site.register(Opening, OpeningAdmin)

POLICIES = {
    **PORTAL_POLICIES,
    "nothing": Policy(),
    "admin:access_opening_changelist": Policy(GET_POST),
}
urlpatterns = [
    path("peer/admin/", site.urls),
    path("peer/nothing/", nothing, name="nothing"),
    path("", include("portal.urls")),
]
