"""The portal's addresses; beside them the peer's pages, and a view that does nothing behind the same middleware."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from access.models import Opening
from families.models import Family
from portal.policies import POLICIES as PORTAL_POLICIES
from portal.web.access import GET_POST, Policy
from tests.benchmarks.raw_families import raw_families


class Site(admin.AdminSite):
    """The admin, open to whoever is signed in: our people have no permissions of Django's kind."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated


class ReadingAdmin(admin.ModelAdmin):
    """For looking, by anybody."""

    list_per_page = 50

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True


class OpeningAdmin(ReadingAdmin):
    """The log as the admin is usually set up for it: the columns of ours, its filters, its search."""

    list_display = ("at", "family", "account_name", "device_name", "open_door_type", "is_success", "picture")
    list_select_related = ("family", "command")
    list_filter = ("is_success", "family__property")
    search_fields = ("account_name", "device_name", "family__name")
    ordering = ("-at", "-id")


class FamilyAdmin(ReadingAdmin):
    """The families in the same way: the columns of ours, its filters, a search over the same names and addresses."""

    list_display = ("name", "property", "is_online", "is_installed", "people", "connection")
    list_select_related = ("property",)
    list_filter = ("property", "is_online", "is_installed")
    search_fields = ("name", "members__first_name", "members__last_name", "members__email", "devices__name")
    ordering = ("search_text", "id")

    def people(self, family: Family) -> int:
        return family.members.filter(gone_at=None).count()

    def connection(self, family: Family) -> str:
        reach = family.reaches.filter(gone_at=None).select_related("connection").first()
        return reach.connection.name if reach else "–"


def nothing(request: HttpRequest) -> HttpResponse:
    """The limit of every page: the middleware, the session and the person, and nothing else."""
    return HttpResponse(str(request.user.pk))


site = Site(name="admin")
site.register(Opening, OpeningAdmin)
site.register(Family, FamilyAdmin)

POLICIES = {
    **PORTAL_POLICIES,
    "nothing": Policy(),
    "raw_families": Policy(),
    "admin:access_opening_changelist": Policy(GET_POST),
    "admin:families_family_changelist": Policy(GET_POST),
}
urlpatterns = [
    path("peer/admin/", site.urls),
    path("peer/nothing/", nothing, name="nothing"),
    path("peer/families/", raw_families, name="raw_families"),
    path("", include("portal.urls")),
]
