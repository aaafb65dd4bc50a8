"""The addresses of move-outs, all of the namespace of access.urls."""

from django.urls import path

from access.views import moving

urlpatterns = [
    path("families/<str:family_id>/move-out/", moving.move_out_create, name="move_out_create"),
    path("move-outs/", moving.move_out_list, name="move_out_list"),
    path("move-outs/<str:move_out_id>/", moving.move_out_detail, name="move_out_detail"),
    path("move-outs/<str:move_out_id>/looks/", moving.move_out_look, name="move_out_look"),
    path("move-outs/<str:move_out_id>/attempts/", moving.move_out_retry, name="move_out_retry"),
    path("move-outs/<str:move_out_id>/maker/", moving.move_out_take_over, name="move_out_take_over"),
]
