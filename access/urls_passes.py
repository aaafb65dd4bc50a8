"""The addresses of passes, all of the namespace of access.urls."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
