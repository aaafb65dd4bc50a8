"""What of families and doors needs somebody: unread, offline, with holes in the log, changed by others."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Max, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import Device, Gap
from families.models import Change, Family, SyncState
from families.selectors.telling import tell_change
from portal.accounts.models import User
from portal.desk.attention.items import NAMED_AT_MOST, Item, named
from portal.web.access import may_visit
from portal.web.templatetags.web import relative

RECENT = timedelta(hours=24)
# One failure mends itself at the next try; from here on somebody should know.
FAILURES_THAT_COUNT = 3


def tell_unread(user: User) -> Iterator[Item]:
    failing = SyncState.objects.visible_to(user).filter(
        failures__gte=FAILURES_THAT_COUNT, family__isnull=False, family__gone_at=None
    )
    names = list(
        failing.order_by("family__name")
        .values_list("family__name", flat=True)
        .distinct()[: NAMED_AT_MOST + 1]
    )
    if names:
        since = failing.aggregate(since=Min("last_good_at"))["since"]
        detail = (
            _("Last read %(when)s; it is tried again by itself.") % {"when": relative(since)}
            if since
            else _("Not read yet; it is tried again by itself.")
        )
        yield Item("warn", _("Could not be read: %(families)s") % {"families": named(names)}, detail)


def tell_offline_families(user: User) -> Iterator[Item]:
    offline = Family.objects.visible_to(user).filter(is_online=False, is_installed=True, gone_at=None)
    names = list(
        offline.order_by("online_changed_at", "name").values_list("name", flat=True)[: NAMED_AT_MOST + 1]
    )
    if names:
        total = len(names) if len(names) <= NAMED_AT_MOST else offline.count()
        title = ngettext("%d family is offline", "%d families are offline", total) % total
        yield Item(
            "off", title, named(names), f"{reverse('families:family_list')}?state=offline", _("See them")
        )


def tell_offline_doors(user: User) -> Iterator[Item]:
    visible = Device.objects.visible_to(user).filter(is_online=False, gone_at=None, family__gone_at=None)
    # Of a shared device the row of one family: its page tells of all.
    offline = visible.values("mac").annotate(
        name=Min("name"), since=Max("online_changed_at"), page=Min("public_id")
    )
    found = list(offline.order_by("since")[: NAMED_AT_MOST + 1])
    if len(found) == 1:
        device = found[0]
        # To a family admin not since when: that may have been before their grant.
        is_told = device["since"] and not user.is_family_admin
        detail = _("It went offline %(when)s.") % {"when": relative(device["since"])} if is_told else ""
        title = _("%(door)s is offline") % {"door": device["name"]}
        yield Item("warn", title, detail, reverse("access:device_detail", args=[device["page"]]), _("See it"))
    elif found:
        total = len(found) if len(found) <= NAMED_AT_MOST else offline.count()
        title = ngettext("%d door is offline", "%d doors are offline", total) % total
        names = named([device["name"] for device in found])
        yield Item("warn", title, names, f"{reverse('access:device_list')}?show=offline", _("See them"))


def tell_gaps(user: User) -> Iterator[Item]:
    gaps = Gap.objects.visible_to(user).filter(seen_at__gt=timezone.now() - RECENT)
    names = list(
        gaps.order_by("family__name").values_list("family__name", flat=True).distinct()[: NAMED_AT_MOST + 1]
    )
    if names:
        title = _("Rows of the log may be missing")
        yield Item(
            "warn",
            title,
            _("Since yesterday, at %(families)s.") % {"families": named(names)},
            reverse("desk:log_list"),
            _("See the log"),
        )


def tell_changes(user: User) -> Iterator[Item]:
    changes = Change.objects.visible_to(user).filter(at__gt=timezone.now() - RECENT).select_related("family")
    sees_all = may_visit(user, "families:change_list")
    for change in changes.order_by("-at", "-pk")[:NAMED_AT_MOST]:
        detail = _("%(family)s. Seen %(when)s, and not done through Gatehouse.") % {
            "family": change.family.name,
            "when": relative(change.at),
        }
        url = (
            reverse("families:change_list")
            if sees_all
            else reverse("families:family_changes", args=[change.family.public_id])
        )
        yield Item("warn", tell_change(change).sentence, detail, url, _("See the changes"))
