"""The addresses of imports; families.urls puts them under /imports/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
