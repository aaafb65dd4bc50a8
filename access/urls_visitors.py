"""The address of visitors' links, of the namespace of access.urls: short, for it is read out and typed."""

from django.urls import path

from access.views import visitors

urlpatterns = [path("v/<str:secret>/", visitors.visitor_pass, name="visitor_pass")]
