"""The addresses of people; families.urls puts them under /people/."""

from django.urls import path

from families.views.people import detail, granting, inviting, listing

urlpatterns = [
    path("", listing.person_list, name="person_list"),
    path("invitations/", inviting.person_invite, name="person_invite"),
    path("families/", listing.person_families, name="person_families"),
    path("<slug:person_id>/", detail.person_detail, name="person_detail"),
    path("<slug:person_id>/role/", detail.person_change, name="person_change"),
    path("<slug:person_id>/invitations/", inviting.person_invite_again, name="person_invite_again"),
    path("<slug:person_id>/invitations/taking-back/", inviting.person_revoke, name="person_revoke"),
    path("<slug:person_id>/off/", detail.person_switch_off, name="person_switch_off"),
    path("<slug:person_id>/on/", detail.person_switch_on, name="person_switch_on"),
    path("<slug:person_id>/second-factor/", detail.person_reset_factor, name="person_reset_factor"),
    path("<slug:person_id>/families/", granting.grant_begin, name="grant_begin"),
    path("<slug:person_id>/families/<slug:family_id>/", granting.grant_change, name="grant_change"),
    path("<slug:person_id>/families/<slug:family_id>/end/", granting.grant_end, name="grant_end"),
]
