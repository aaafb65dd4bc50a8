"""The addresses of move-outs, all of the namespace of access.urls."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
