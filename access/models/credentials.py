"""What is known of an account's PIN, NFC, Bluetooth and face in a family: that they are there, never what they are."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models import Family, Reach
from portal.accounts.models import User


class CredentialKind(models.TextChoices):
    """What an account opens doors with."""

    PIN = "pin", _("PIN")
    NFC = "nfc", _("NFC")
    BLUETOOTH = "ble", _("Bluetooth")
    FACE = "face", _("Face")


class CredentialQuerySet(models.QuerySet["Credential"]):
    """Credentials, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the person's own account; to an unlimited manager also the organisation's. None to an auditor."""
        if not user.may_act:
            return self.none()
        whose = Q(reach__connection__owner=user)
        if user.is_manager and not user.is_limited:
            whose |= Q(reach__connection__owner=None)
        families = Family.objects.visible_to(user)
        return self.filter(whose, account_id=F("reach__account_id"), reach__family__in=families)


class Credential(models.Model):
    """Whether an account in a family had a credential of one kind when it was last read: no code, no digit of it.

    Of a PIN and a face ``is_there`` says that one is on file, of NFC and Bluetooth that it is on.
    """

    reach = models.ForeignKey(Reach, models.CASCADE, related_name="credentials")
    # A connection that is signed in anew may be another account's: then nothing is known of that one's.
    account_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=8, choices=CredentialKind)
    is_there = models.BooleanField()
    read_at = models.DateTimeField(default=timezone.now)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reach", "kind"], name="access_credential_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.is_there}"

    @classmethod
    def note(cls, reach: Reach, kind: str, *, is_there: bool, at: datetime | None = None) -> None:
        """Remember what was read just now of the reach's account."""
        known = {"account_id": reach.account_id, "is_there": is_there, "read_at": at or timezone.now()}
        cls.objects.update_or_create(reach=reach, kind=kind, defaults=known)


class Holder(models.TextChoices):
    """Whose account it is, of the two that somebody may have to do with in a family."""

    OWN = "own", _("My own account")
    ORGANISATION = "organisation", _("The organisation’s account")
