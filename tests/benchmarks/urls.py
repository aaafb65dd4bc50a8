"""The portal's addresses; beside them the peer's pages, and a view that does nothing behind the same middleware."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone

from access.models import Device, Opening, Outage, Relay
from access.selectors.board import PAGE_SIZE
from families.models import Family, Kind, Reach, SyncState
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


class DeviceAdmin(ReadingAdmin):
    """The doors in the same way: as many on a page as on ours, and of each what its card tells. What belongs to a
    door is read for the whole page at once, as whoever knows the admin does it, and not for each row."""

    list_per_page = PAGE_SIZE
    list_display = ("name", "family", "in_property", "device_type", "is_public", "shared_by", "is_online", "offline_since", "doors", "sip", "last_opening_at", "outages", "read_at", "connection")  # fmt: skip
    list_select_related = ("family__property",)
    list_filter = ("is_online", "is_public", "device_type", "family__property")
    search_fields = ("name", "mac", "family__name")
    ordering = ("search_text", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        since = timezone.now() - timedelta(days=30)
        same = Device.objects.filter(mac=OuterRef("mac"), gone_at=None).order_by().values("mac")
        read = SyncState.objects.filter(family=OuterRef("family"), kind=Kind.DEVICES)
        return (
            super()
            .get_queryset(request)
            .annotate(sharing=Subquery(same.annotate(n=Count("pk")).values("n")))
            .annotate(read=Subquery(read.values("last_good_at")[:1]))
            .prefetch_related(
                Prefetch("relays", Relay.objects.filter(gone_at=None)),
                Prefetch("outages", Outage.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since))),
                Prefetch("family__reaches", Reach.objects.filter(gone_at=None).select_related("connection")),
            )
        )

    def in_property(self, device: Device) -> str:
        return str(device.family.property or "–")

    def shared_by(self, device: Any) -> int:
        return device.sharing if device.is_public else 0

    def offline_since(self, device: Device) -> datetime | None:
        return max((one.began_at for one in device.outages.all() if one.ended_at is None), default=None)

    def doors(self, device: Device) -> str:
        return ", ".join(relay.name or device.name for relay in device.relays.all())

    def outages(self, device: Device) -> int:
        return len(device.outages.all())

    def read_at(self, device: Any) -> datetime | None:
        return device.read

    def connection(self, device: Device) -> str:
        return ", ".join(
            f"{one.connection.name}: {one.connection.health}" for one in device.family.reaches.all()
        )


def nothing(request: HttpRequest) -> HttpResponse:
    """The limit of every page: the middleware, the session and the person, and nothing else."""
    return HttpResponse(str(request.user.pk))


site = Site(name="admin")
site.register(Opening, OpeningAdmin)
site.register(Family, FamilyAdmin)
site.register(Device, DeviceAdmin)

POLICIES = {
    **PORTAL_POLICIES,
    "nothing": Policy(),
    "raw_families": Policy(),
    "admin:access_opening_changelist": Policy(GET_POST),
    "admin:families_family_changelist": Policy(GET_POST),
    "admin:access_device_changelist": Policy(GET_POST),
}
urlpatterns = [
    path("peer/admin/", site.urls),
    path("peer/nothing/", nothing, name="nothing"),
    path("peer/families/", raw_families, name="raw_families"),
    path("", include("portal.urls")),
]
