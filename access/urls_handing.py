"""The addresses of a pass: its page, its code, and handing it over; all of the namespace of access.urls."""

from django.urls import path

from access.views.passes import detail, handing, mails

urlpatterns = [
    path("passes/<str:pass_id>/", detail.pass_detail, name="pass_detail"),
    path("passes/<str:pass_id>/words/", detail.pass_change, name="pass_change"),
    path("passes/<str:pass_id>/code/", handing.pass_reveal, name="pass_reveal"),
    path("passes/<str:pass_id>/mails/", mails.pass_mail, name="pass_mail"),
    path("passes/<str:pass_id>/sheets/", handing.pass_sheet, name="pass_sheet"),
    path("passes/<str:pass_id>/links/", handing.visitor_link_create, name="visitor_link_create"),
    path("passes/<str:pass_id>/links/ends/", handing.visitor_link_revoke, name="visitor_link_revoke"),
]
