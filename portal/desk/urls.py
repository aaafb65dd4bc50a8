from django.urls import path

from portal.desk.views import dashboard, log, search

app_name = "desk"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("log/", log.log_list, name="log_list"),
    path("log/new/", log.log_new, name="log_new"),
    path("families/<slug:family_id>/log/", log.family_log, name="family_log"),
    path("search/", search.search, name="search"),
]
