"""Setting up the company's provider: what cannot be is told in one line, before anything starts."""

from pathlib import Path

import pytest

from tests.house.test_environment import manage, production, told_in_one_line

__all__ = ["production"]


@pytest.fixture
def company(tmp_path: Path) -> dict[str, str]:
    secret = tmp_path / "secret"
    secret.write_text("a secret\n")
    return {
        "OIDC_ISSUER": "https://login.company.example",
        "OIDC_CLIENT_ID": "gatehouse",
        "OIDC_CLIENT_SECRET_FILE": str(secret),
    }


SHOW = "from django.conf import settings as s; print(s.OIDC_ISSUER, s.OIDC_NAME, s.OIDC_CLIENT_SECRET)"


def test_production_takes_it_from_the_environment(
    tmp_path: Path, production: dict[str, str], company: dict[str, str]
) -> None:
    ran = manage(tmp_path, "shell", "-v0", "-c", SHOW, **production, **company)
    assert ran.stdout.split("\n")[0] == "https://login.company.example login.company.example a secret"
    assert manage(tmp_path, "check", "--deploy", **production, **company).returncode == 0


def test_development_may_name_a_provider_on_this_machine(tmp_path: Path, company: dict[str, str]) -> None:
    ran = manage(tmp_path, "check", **{**company, "OIDC_ISSUER": "http://127.0.0.1:5556/dex"})
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OIDC_ISSUER", "http://127.0.0.1:5556"),
        ("OIDC_ISSUER", "http://login.company.example"),
        ("OIDC_ISSUER", "login.company.example"),
        ("OIDC_ISSUER", "https://user:password@login.company.example"),
        ("OIDC_ISSUER", "https://login.company.example?x=1"),
        ("OIDC_ISSUER", "https://login.company.example/" + "x" * 200),
        ("OIDC_CLIENT_ID", ""),
        ("OIDC_CLIENT_SECRET_FILE", ""),
        ("OIDC_CLIENT_SECRET_FILE", "/nothing/here"),
        ("OIDC_CLIENT_SECRET_FILE", "/dev/null"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    tmp_path: Path, production: dict[str, str], company: dict[str, str], variable: str, value: str
) -> None:
    told_in_one_line(manage(tmp_path, "audit_verify", **production, **{**company, variable: value}), "OIDC_")
