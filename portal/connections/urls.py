from django.urls import path

from portal.connections.views import connections, managing, own, returning, signing_in

app_name = "connections"
urlpatterns = [
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/", signing_in.connection_create, name="connection_create"),
    path("connections/return/", returning.sign_in_return, name="sign_in_return"),
    path("connections/<slug:connection_id>/", connections.connection_detail, name="connection_detail"),
    path("connections/<slug:connection_id>/sign-in/", signing_in.connection_renew, name="connection_renew"),
    path("connections/<slug:connection_id>/settings/", managing.connection_change, name="connection_change"),
    path("connections/<slug:connection_id>/pause/", managing.connection_pause, name="connection_pause"),
    path(
        "connections/<slug:connection_id>/continuation/",
        managing.connection_continue,
        name="connection_continue",
    ),
    path("connections/<slug:connection_id>/removal/", managing.connection_remove, name="connection_remove"),
    path("account/connection/", own.own_connection, name="own_connection"),
    path("account/connection/sign-in/", own.own_connection_sign_in, name="own_connection_sign_in"),
    path("account/connection/continuation/", own.own_connection_continue, name="own_connection_continue"),
    path("account/connection/removal/", own.own_connection_remove, name="own_connection_remove"),
]
