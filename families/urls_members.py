"""The addresses of a family's members; families.urls puts them under /families/<id>/members/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
