"""How allauth signs people in by OpenID Connect here: with whom it speaks, and whom it lets in."""

from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.socialaccount.signals import social_account_added
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from portal.accounts import joining, openid
from portal.accounts.models import User
from portal.accounts.openid import Conversation, Proven, Refused


class SocialAdapter(DefaultSocialAccountAdapter):
    """Lets in people who were invited or are here, by an address that the provider has verified; nobody signs up.

    The provider stands in the environment and nowhere else: rows of allauth's own table count for nothing.
    """

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        return [company()] if openid.is_configured() else []

    def get_provider(
        self, request: HttpRequest, provider: Any = None, client_id: Any = None
    ) -> "CompanyProvider":
        return CompanyProvider(request, app=self.get_app(request, provider))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def authenticate_by_email(self, sociallogin: SocialLogin) -> None:
        """Never by allauth's own rules: pre_social_login decides."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find whose sign-in this is, and remember the provider's name for them the first time; raises Refused."""
        with transaction.atomic():
            sociallogin.user, sociallogin.account = _person_of(request, sociallogin.proven)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Raises Refused for what allauth found wrong, which is then said on our page."""
        if error == AuthError.CANCELLED:
            raise Refused("cancelled")
        if "state" not in (extra_context or {}):
            raise Refused("state")
        raise Refused("provider_error")


class CompanyProvider(OpenIDConnectProvider):
    """The one provider. PKCE is always on, and what a visitor adds to the address changes nothing."""

    @property
    def sub_id(self) -> str:
        return str(settings.OIDC_ISSUER)

    def get_oauth2_adapter(self, request: HttpRequest) -> "CompanyAdapter":
        return CompanyAdapter(request)

    def get_pkce_params(self) -> dict[str, str]:
        params = dict(super().get_pkce_params())
        return params | {"nonce": openid.nonce_for(params["code_verifier"])}

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing of what the provider says of somebody is kept."""
        return {}


class CompanyClient(OAuth2Client):
    """Writes the address that people are sent to."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        params = {
            "client_id": self.consumer_key,
            "redirect_uri": self.callback_url,
            "scope": self.scope_delimiter.join(sorted(set(scope))),
            "response_type": "code",
            "state": self.state,
            **extra_params,
        }
        return f"{authorization_url}{'&' if '?' in authorization_url else '?'}{urlencode(params)}"


class CompanyAdapter(OpenIDConnectOAuth2Adapter):
    """Speaks with the provider through portal.accounts.openid alone."""

    client_class = CompanyClient

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, settings.OIDC_ISSUER)
        self.conversation = Conversation()

    def get_provider(self) -> CompanyProvider:
        return CompanyProvider(self.request, app=company())

    @property
    def openid_config(self) -> dict[str, str]:
        found = self.conversation.endpoints()
        return {
            "authorization_endpoint": found.authorization_endpoint,
            "token_endpoint": found.token_endpoint,
        }

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return return_url()

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        if not pkce_code_verifier:
            raise Refused("state")
        proven = self.conversation.trade(request.GET["code"], pkce_code_verifier, return_url())
        # The tokens themselves are not needed any more: nothing but the sign-in was asked for.
        return {"access_token": "", "proven": proven}

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> SocialLogin:
        proven: Proven = kwargs["response"]["proven"]
        said = {"sub": proven.subject, "email": proven.email, "email_verified": True}
        login = self.get_provider().sociallogin_from_response(request, {"id_token": said})
        login.proven = proven
        return login


def company() -> SocialApp:
    """The provider as allauth wants it, never stored."""
    return SocialApp(
        provider="openid_connect",
        provider_id=settings.OIDC_ISSUER,
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
    )


def return_url() -> str:
    """Where the provider sends people back to: by the address people use, whatever name a request went by."""
    return f"{settings.PUBLIC_URL}{reverse('openid_return')}"


def _person_of(request: HttpRequest, proven: Proven) -> tuple[User, SocialAccount]:
    accounts = SocialAccount.objects.filter(provider=settings.OIDC_ISSUER)
    known = accounts.filter(uid=proven.subject).select_related("user").first()
    if known is not None:
        _check_may_sign_in(known.user, proven)
        return known.user, known
    person = User.objects.select_for_update().filter(email__iexact=proven.email).first()
    if person is None:
        raise Refused("unknown", proven.email)
    if not person.is_active and person.joined_at is None:
        person = _let_join(proven)
    _check_may_sign_in(person, proven)
    theirs = accounts.filter(user=person).first()
    if theirs is not None and theirs.uid == proven.subject:
        # Of two at once the other one was first.
        return person, theirs
    if theirs is not None:
        raise Refused("linked_elsewhere", proven.email)
    account = SocialAccount.objects.create(user=person, provider=settings.OIDC_ISSUER, uid=proven.subject)
    login = SocialLogin(user=person, account=account)
    social_account_added.send(sender=SocialLogin, request=request, sociallogin=login)
    return person, account


def _check_may_sign_in(person: User, proven: Proven) -> None:
    if not person.is_active:
        raise Refused("switched_off", proven.email)
    if person.email.lower() != proven.email:
        raise Refused("other_address", proven.email)


def _let_join(proven: Proven) -> User:
    invited = joining.may_join_by_verified_address(proven.email)
    if invited is None:
        raise Refused("invitation_over", proven.email)
    try:
        return joining.join_by_address(invited)
    except joining.InvitationOver:
        raise Refused("invitation_over", proven.email) from None
