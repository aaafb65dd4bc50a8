"""The events of the trail, and what people call them."""

from django.utils.translation import gettext_lazy as _

EVENTS = {
    "door.open": _("Open a door"),
    "family.rename": _("Rename a family"),
    "member.invite": _("Invite a member"),
    "person.sign_in": _("Signed in"),
    "person.sign_in_failed": _("Sign-in failed"),
    "person.sign_out": _("Signed out"),
    "person.password": _("Password changed"),
    "session.end": _("Session ended"),
    "session.expired": _("Session expired"),
    "person.add": _("Person added"),
    "person.invite": _("Person invited"),
    "person.invite_again": _("Person invited again"),
    "person.invite_revoke": _("Invitation taken back"),
    "person.join": _("Invitation taken up"),
    "person.change": _("Person changed"),
    "person.switch_off": _("Person switched off"),
    "person.switch_on": _("Person switched on"),
    "grant.begin": _("Family given to a person"),
    "grant.change": _("Dates of a family changed for a person"),
    "grant.end": _("Family taken from a person"),
    "grant.suspended": _("Grant suspended: the member is gone"),
    "history.retell": _("History read in another time zone"),
    "property.add": _("Property added"),
    "property.change": _("Property changed"),
    "property.delete": _("Property deleted"),
    "family.place": _("Family put in a property"),
    "connection.add": _("Connection added"),
    "connection.renew": _("Connection renewed"),
    "upstream.write": _("Command from the console"),
    "upstream.read": _("Question from the console"),
    "upstream.reveal": _("Secret shown on the console"),
    "access.denied": _("Access denied"),
    "access.denied_often": _("Access denied many times"),
    "audit.viewed": _("Audit trail looked at"),
    "audit.exported": _("Audit trail exported"),
    "audit.verified": _("Audit trail verified"),
    "keys.rotate": _("Keys renewed"),
    "keys.retire": _("Old keys dropped"),
}


def label_of(event: str) -> str:
    """What people call an event; one without a word of its own is shown as it is written."""
    return str(EVENTS.get(event, event))
