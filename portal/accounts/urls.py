"""The addresses of one's own account, and of joining."""

from django.urls import path

from portal.accounts.views import joining

app_name = "accounts"
urlpatterns = [
    # Any text: also a link that was cut or broken by a mail program is told in words.
    path("join/<str:secret>/", joining.invitation_join, name="invitation_join"),
]
