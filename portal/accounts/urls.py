"""The addresses of one's own account, and of joining."""

from django.urls import path

from portal.accounts.views import account, joining

app_name = "accounts"
urlpatterns = [
    path("account/", account.my_account, name="my_account"),
    path("account/preferences/", account.preferences_change, name="preferences_change"),
    path("account/theme/", account.theme_change, name="theme_change"),
    path("account/sign-in/", account.sign_in_means, name="sign_in_means"),
    path("account/password/", account.password_change, name="password_change"),
    path("account/sessions/", account.session_list, name="session_list"),
    path("account/sessions/others/ending/", account.session_end_others, name="session_end_others"),
    path("account/sessions/<str:session_id>/ending/", account.session_end, name="session_end"),
    path("account/rights/", account.my_rights, name="my_rights"),
    # Any text: also a link that was cut or broken by a mail program is told in words.
    path("join/<str:secret>/", joining.invitation_join, name="invitation_join"),
]
