"""Whose the objects are that a form may name: one row for every kind in a ``body`` of portal/policies.py.

``portal.web.middleware.PolicyMiddleware`` looks them up before the view runs, so that no form reaches an object that
its person may not see. Whether they may do this with it is asked by the service.
"""

from access.models import Device, Relay, TempKey
from families.models import Family, Member, Property
from families.scope import visible_people
from portal.connections.models import Connection

KINDS = {
    "connection": Connection.objects.visible_to,
    "device": Device.objects.visible_to,
    "family": Family.objects.visible_to,
    "member": Member.objects.visible_to,
    "person": visible_people,
    "property": Property.objects.visible_to,
    "pass": TempKey.objects.visible_to,
    "relay": Relay.objects.visible_to,
}
