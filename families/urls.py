"""The addresses of families, properties and people, all of one namespace."""

from django.urls import include, path

from families.views import changes, families, invitations, listing, placing, remote
from families.views.members import joining
from families.views.people import members as inviting_members

app_name = "families"
urlpatterns = [
    path("families/", listing.family_list, name="family_list"),
    path("families/placing/", placing.family_place, name="family_place"),
    path("families/joining/", joining.family_join, name="family_join"),
    path("families/<slug:family_id>/", families.family_detail, name="family_detail"),
    path("families/<slug:family_id>/changes/", changes.family_changes, name="family_changes"),
    path("families/<slug:family_id>/name/", families.family_rename, name="family_rename"),
    path("families/<slug:family_id>/panel/", remote.panel_open, name="panel_open"),
    path("families/<slug:family_id>/invitations/", invitations.member_invite, name="member_invite"),
    path(
        "families/<slug:family_id>/invitations/<slug:invitation_id>/sendings/",
        invitations.invitation_send,
        name="invitation_send",
    ),
    path(
        "families/<slug:family_id>/invitations/<slug:invitation_id>/forgetting/",
        invitations.invitation_forget,
        name="invitation_forget",
    ),
    path(
        "families/<slug:family_id>/invitations/<slug:invitation_id>/keeping/",
        invitations.invitation_keep,
        name="invitation_keep",
    ),
    path("invitations/", invitations.invitation_list, name="invitation_list"),
    path(
        "families/<slug:family_id>/members/<slug:member_id>/portal-invitations/",
        inviting_members.person_invite_member,
        name="person_invite_member",
    ),
    path("families/<slug:family_id>/members/", include("families.urls_members")),
    path("changes/", changes.change_list, name="change_list"),
    path("imports/", include("families.urls_imports")),
    path("jobs/", include("families.urls_jobs")),
    path("properties/", include("families.urls_properties")),
    path("people/", include("families.urls_people")),
]
