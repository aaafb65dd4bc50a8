"""The addresses of families, properties and people, all of one namespace."""

from django.urls import include, path

from families.views import families, members
from families.views.people import members as inviting_members

app_name = "families"
urlpatterns = [
    path("families/", families.family_list, name="family_list"),
    path("families/<slug:family_id>/", families.family_detail, name="family_detail"),
    path("families/<slug:family_id>/name/", families.family_rename, name="family_rename"),
    path("families/<slug:family_id>/invitations/", members.member_invite, name="member_invite"),
    path(
        "families/<slug:family_id>/members/<slug:member_id>/portal-invitations/",
        inviting_members.person_invite_member,
        name="person_invite_member",
    ),
    path("properties/", include("families.urls_properties")),
    path("people/", include("families.urls_people")),
]
