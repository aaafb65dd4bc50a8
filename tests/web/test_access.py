"""Roles and methods of a view, said beside it."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory

from portal.web.access import policy


@policy("manager", methods=("GET", "POST"))
def guarded(request):
    return HttpResponse("in")


@policy()
def for_all(request):
    return HttpResponse("in")


def asked(view, method, role):
    request = RequestFactory().generic(method, "/")
    request.user = SimpleNamespace(role=role) if role else SimpleNamespace()
    return view(request)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_role_comes_in_by_the_methods_that_are_said(method):
    assert asked(guarded, method, "manager").status_code == 200


@pytest.mark.parametrize("role", ["auditor", "family_admin", "", None])
def test_another_role_does_not(role):
    with pytest.raises(PermissionDenied):
        asked(guarded, "GET", role)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_does_not(method):
    assert asked(guarded, method, "manager").status_code == 405


def test_no_roles_mean_anybody_signed_in_and_reading_alone():
    assert asked(for_all, "GET", "family_admin").status_code == 200
    assert asked(for_all, "POST", "family_admin").status_code == 405


def test_the_policy_can_be_walked():
    assert guarded.policy.roles == {"manager"}
    assert guarded.policy.methods == {"GET", "HEAD", "POST"}
