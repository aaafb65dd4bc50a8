"""The addresses of jobs; families.urls puts them under /jobs/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
