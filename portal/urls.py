"""Every address of the portal."""

from allauth.account import views as account_views
from django.urls import include, path, re_path

from portal.accounts.views import again, openid, second_factor, signing_in
from portal.web import health

account = [
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("signup/", account_views.signup, name="account_signup"),
    path("inactive/", account_views.account_inactive, name="account_inactive"),
    path("password/reset/", account_views.password_reset, name="account_reset_password"),
    path("password/reset/done/", account_views.password_reset_done, name="account_reset_password_done"),
    # No converter fits: the key holds hyphens itself, and a slug would swallow the first of them.
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("openid/", openid.openid_begin, name="openid_begin"),
    path("openid/return/", openid.openid_return, name="openid_return"),
    path("confirm-email/", account_views.email_verification_sent, name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", account_views.confirm_email, name="account_confirm_email"),
    # Second factors, under the names that allauth asks for.
    path("again/", again.sign_in_again, name="account_reauthenticate"),
    path("second-factor/show/", signing_in.second_factor_show, name="mfa_authenticate"),
    path("passkey/", signing_in.passkey_sign_in, name="mfa_login_webauthn"),
    path("second-factor/", second_factor.second_factor_list, name="mfa_index"),
    path("second-factor/app/", second_factor.app_create, name="mfa_activate_totp"),
    path("second-factor/passkeys/", second_factor.passkey_create, name="mfa_add_webauthn"),
    path("second-factor/codes/", second_factor.recovery_code_create, name="mfa_generate_recovery_codes"),
    path(
        "second-factor/<str:authenticator_id>/name/", second_factor.passkey_rename, name="mfa_edit_webauthn"
    ),
    path(
        "second-factor/<str:authenticator_id>/removal/",
        second_factor.second_factor_remove,
        name="mfa_remove_webauthn",
    ),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("account/", include(account)),
    path("", include("portal.accounts.urls")),
    path("", include("portal.desk.urls")),
    path("", include("access.urls")),
    path("", include("families.urls")),
    path("audit/", include("portal.audit.urls")),
    path("", include("portal.connections.urls")),
]

handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.permission_denied"
handler404 = "portal.web.errors.page_not_found"
handler500 = "portal.web.errors.server_error"
