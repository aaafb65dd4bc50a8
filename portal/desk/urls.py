from django.urls import path

from portal.desk.views import dashboard, log, search

app_name = "desk"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("log/", log.log_list, name="log_list"),
    path("log/new/", log.log_new, name="log_new"),
    path("search/", search.search, name="search"),
]
