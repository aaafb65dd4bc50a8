"""How django-allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: people come by invitation, or from ``manage.py adduser``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
