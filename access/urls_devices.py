"""The addresses of devices, all of the namespace of access.urls."""

from django.urls import path

from access.views import device_questions, devices

urlpatterns = [
    path("doors/permissions/", device_questions.device_check_many, name="device_check_many"),
    path("doors/<str:device_id>/", devices.device_detail, name="device_detail"),
    path("doors/<str:device_id>/permission/", device_questions.device_check, name="device_check"),
    path("doors/<str:device_id>/stream/", device_questions.device_stream, name="device_stream"),
]
