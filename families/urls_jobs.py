"""The addresses of jobs; families.urls puts them under /jobs/."""

from django.urls import path

from families.views.jobs import rows, showing, steering

urlpatterns = [
    path("", showing.job_list, name="job_list"),
    path("<slug:job_id>/", showing.job_detail, name="job_detail"),
    path("<slug:job_id>/progress/", showing.job_progress, name="job_progress"),
    path("<slug:job_id>/report/", showing.job_report, name="job_report"),
    path("<slug:job_id>/pause/", steering.job_pause, name="job_pause"),
    path("<slug:job_id>/continuation/", steering.job_continue, name="job_continue"),
    path("<slug:job_id>/stop/", steering.job_stop, name="job_stop"),
    path("<slug:job_id>/rows/<slug:row_id>/look/", rows.job_row_look, name="job_row_look"),
    path("<slug:job_id>/rows/<slug:row_id>/done/", rows.job_row_close, name="job_row_close"),
    path("<slug:job_id>/rows/<slug:row_id>/attempts/", rows.job_row_retry, name="job_row_retry"),
]
