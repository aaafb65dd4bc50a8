"""What every page says where nothing was done stands in one place."""

import re

import pytest

from portal.web import wordings
from tests.steps import ROOT

SAID_ONCE = [
    "This page (is|was) too old",
    ": the audit trail is not available",
    "[Nn]o connection reaches this family",
]


@pytest.mark.parametrize("words", SAID_ONCE)
def test_no_view_has_words_of_its_own_for_it(words: str) -> None:
    apps = [ROOT / name for name in ("families", "access", "portal")]
    views = [path for app in apps for path in app.rglob("views/**/*.py")]
    views += [ROOT / "portal/web/errors.py", ROOT / "portal/audit/middleware.py"]
    assert len(views) > 50
    assert [str(path.relative_to(ROOT)) for path in views if re.search(words, path.read_text())] == []


def test_what_was_kept_and_what_to_do_is_added() -> None:
    assert wordings.old_page("Send it again.") == "This page is too old. Send it again."
    assert wordings.page_was_old() == "This page was too old."
    assert wordings.no_audit("asked") == "Not asked: the audit trail is not available."
    told = wordings.no_connection("sent", wordings.connect_it())
    assert told == (
        "Not sent: no connection reaches this family. "
        "A manager has to connect it, or sign its connection in again."
    )
