from django.urls import include, path

from access.views import doors, openings, pictures

app_name = "access"
urlpatterns = [
    path("doors/", doors.device_list, name="device_list"),
    path("doors/changes/", doors.device_changes, name="device_changes"),
    path("families/<str:family_id>/doors/", doors.family_doors, name="family_doors"),
    path(
        "families/<str:family_id>/doors/changes/",
        doors.family_door_changes,
        name="family_door_changes",
    ),
    path(
        "families/<str:family_id>/doors/<str:relay_id>/open/",
        openings.opening_confirm,
        name="opening_confirm",
    ),
    path(
        "families/<str:family_id>/doors/<str:relay_id>/openings/",
        openings.opening_create,
        name="opening_create",
    ),
    path(
        "families/<str:family_id>/doors/<str:relay_id>/openings/<str:command_id>/",
        openings.opening_press,
        name="opening_press",
    ),
    path("", include("access.urls_devices")),
    path("", include("access.urls_passes")),
    path("", include("access.urls_handing")),
    path("", include("access.urls_moves")),
    path("", include("access.urls_credentials")),
    path("", include("access.urls_visitors")),
    path("log/openings/<str:opening_id>/thumbnail.jpg", openings.opening_thumbnail, name="opening_thumbnail"),
    path("log/openings/<str:opening_id>/picture.jpg", pictures.opening_picture, name="opening_picture"),
    path(
        "log/openings/<str:opening_id>/picture/", pictures.opening_picture_page, name="opening_picture_page"
    ),
]
