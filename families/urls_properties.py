"""The addresses of properties; families.urls puts them under /properties/."""

from django.urls import path

from families.views import placements, properties

urlpatterns = [
    path("", properties.property_list, name="property_list"),
    path("new/", properties.property_create, name="property_create"),
    path("<slug:property_id>/", properties.property_detail, name="property_detail"),
    path("<slug:property_id>/details/", properties.property_change, name="property_change"),
    path("<slug:property_id>/deletion/", properties.property_delete, name="property_delete"),
    path("<slug:property_id>/families/new/", placements.placement_create, name="placement_create"),
    path("<slug:property_id>/families/removal/", placements.placement_delete, name="placement_delete"),
]
