"""The addresses of credentials, all of the namespace of access.urls."""

from django.urls import path

from access.views.credentials import codes, faces, pages, pins, switches

urlpatterns = [
    path("credentials/", pages.my_credentials, name="my_credentials"),
    path("credentials/readings/", pages.my_credentials_read, name="my_credentials_read"),
    path("families/<str:family_id>/credentials/", pages.credential_list, name="credential_list"),
    path("families/<str:family_id>/credentials/readings/", pages.credential_read, name="credential_read"),
    path("families/<str:family_id>/credentials/codes/", codes.credential_reveal, name="credential_reveal"),
    path(
        "families/<str:family_id>/credentials/switches/", switches.credential_switch, name="credential_switch"
    ),
    path("families/<str:family_id>/credentials/pin/", pins.pin_change, name="pin_change"),
    path("families/<str:family_id>/credentials/face/", faces.face_register, name="face_register"),
    path("families/<str:family_id>/credentials/face/deletions/", faces.face_delete, name="face_delete"),
]
