"""The addresses of imports; families.urls puts them under /imports/."""

from django.urls import path

from families.views.importing import columns, confirming, preview, uploading

urlpatterns = [
    path("", uploading.import_list, name="import_list"),
    path("new/", uploading.import_create, name="import_create"),
    path("families/", columns.import_families, name="import_families"),
    path("<slug:import_id>/columns/", columns.import_columns, name="import_columns"),
    path("<slug:import_id>/", preview.import_preview, name="import_preview"),
    path("<slug:import_id>/confirmation/", confirming.import_confirm, name="import_confirm"),
    path("<slug:import_id>/removal/", preview.import_drop, name="import_drop"),
]
