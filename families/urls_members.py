"""The addresses of a family's members; families.urls puts them under /families/<id>/members/."""

from django.urls import path

from families.views.members import adding, handing, many, removal, rights

urlpatterns = [
    path("", rights.member_list, name="member_list"),
    path("new/", adding.member_create, name="member_create"),
    path("owner/", handing.family_hand_over, name="family_hand_over"),
    path("rights/", many.member_rights_of_many, name="member_rights_of_many"),
    path("removal/", many.member_remove_many, name="member_remove_many"),
    path("<slug:member_id>/rights/", rights.member_rights, name="member_rights"),
    path("<slug:member_id>/removal/", removal.member_remove, name="member_remove"),
]
