"""Walks one address with everybody who might knock, and says what should come of it.

What is expected follows from the table (portal.policies) and from WHO below, never from what the code does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.accounts.models import Role
from portal.web.access import Policy
from tests.house.canaries import EARLIER, ELSEWHERE, HOME, OFFICE

OF_FAMILIES = ("family", "relay", "press", "opening", "member", "device", "pass")
OF_ESTATE = (*OF_FAMILIES, "property", "person", "invitation", "family_invitation", "move_out")
OF_ONESELF = ("session", "authenticator", "connection", "draft", "job", "row")


@dataclass(frozen=True)
class Who:
    """Somebody who knocks: their role, what of each world is theirs by kind, and whose words they may read."""

    role: Role | None
    is_limited: bool = False
    owns: Mapping[str, frozenset[str]] | None = None
    words: frozenset[str] = frozenset()
    # They have a session and are nobody any more.
    is_switched_off: bool = False

    def has(self, kind: str, where: str) -> bool:
        """Whether the object of a kind in a world is theirs to see."""
        own = {kind: frozenset({"home"}) for kind in OF_ONESELF} | dict(self.owns or {})
        return where in own.get(kind, ())


def _all_of(kinds: tuple[str, ...], *where: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(kinds, frozenset(where))


EVERYTHING = _all_of((*OF_ESTATE, "connection", "job", "row"), "home", "earlier", "elsewhere")
ITS_PROPERTY = _all_of(OF_ESTATE, "home", "earlier")
ALL_WORDS = frozenset({HOME, OFFICE, EARLIER, ELSEWHERE})
HOME_WORDS = frozenset({HOME, OFFICE, EARLIER})

WHO = {
    "nobody": Who(None),
    "manager": Who(Role.MANAGER, owns=EVERYTHING, words=ALL_WORDS),
    "limited manager": Who(Role.MANAGER, is_limited=True, owns=ITS_PROPERTY, words=HOME_WORDS),
    "manager of nothing": Who(Role.MANAGER, is_limited=True),
    "auditor": Who(
        Role.AUDITOR,
        owns=_all_of((*OF_ESTATE, "job", "row"), "home", "earlier", "elsewhere"),
        words=ALL_WORDS,
    ),
    "limited auditor": Who(Role.AUDITOR, is_limited=True, owns=ITS_PROPERTY, words=HOME_WORDS),
    "family admin": Who(Role.FAMILY_ADMIN, owns=_all_of(OF_FAMILIES, "home"), words=frozenset({HOME})),
    "family admin whose grant ended": Who(Role.FAMILY_ADMIN),
    "family admin whose grant is suspended": Who(Role.FAMILY_ADMIN),
    "family admin whose grant has not begun": Who(Role.FAMILY_ADMIN),
    "family admin of nothing": Who(Role.FAMILY_ADMIN),
    "switched off": Who(Role.MANAGER, is_switched_off=True),
}
# What somebody may read at one address alone, and why.
READS_ALSO = {
    # The name of the family that they will be given, or were: they are told what is the matter with it.
    "accounts:my_rights": {
        "family admin whose grant is suspended": frozenset({HOME}),
        "family admin whose grant has not begun": frozenset({HOME}),
    },
}
# Where the answer to a form is a secret of the upstream: asked for by somebody who may, and on the trail as a reveal.
REVEALS = frozenset(
    {
        "families:panel_open",
        "access:credential_reveal",
        "access:device_stream",
        "access:pass_reveal",
        "access:pass_sheet",
    }
)
# Where managers and auditors read the MAC of a device that is theirs to see; no address ever has one.
SHOWS_MACS = frozenset({"access:device_detail", "access:device_check", "access:device_stream"})
# As every id of ours is written, and nobody's.
MISSING = "AAAAAAAAAAAAAAAAAAAAAA"
# Whatever a page, a form or an action answers to somebody who may be there. 502 and 503: the upstream, told in words.
ALLOWED = frozenset({200, 204, 302, 303, 409, 422, 502, 503})


def walk(
    patterns: Any, namespace: str = "", arguments: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every address by its URL name, with the names of its arguments."""
    for pattern in patterns:
        names = (*arguments, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace]))
            yield from walk(pattern.url_patterns, inner, names)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, pattern
            yield ":".join(filter(None, [namespace, pattern.name])), names


@cache
def addresses() -> dict[str, tuple[str, ...]]:
    """The resolver's addresses: URL name and arguments."""
    return dict(walk(get_resolver().url_patterns))


@dataclass(frozen=True)
class Case:
    """One way of asking: what it is called in a report, the path, and where each argument's object is."""

    name: str
    path: str
    where: Mapping[str, str]
    # An id that nobody ever had: there are many ways to write one.
    is_malformed: bool = False


def cases(name: str, policy: Policy, ids: Mapping[str, Mapping[str, str]]) -> Iterator[list[Case]]:
    """The paths of an address, a list for each argument: one's own, foreign, missing and malformed ids in its place."""
    home = {argument: ids[kind]["home"] for argument, kind in policy.objects.items()}
    at_home = dict.fromkeys(home, "home")
    plain = Case("at home", reverse(name, kwargs=home), at_home)
    if not home:
        yield [plain]
        return
    everything_elsewhere = {argument: ids[kind]["elsewhere"] for argument, kind in policy.objects.items()}
    yield [
        plain,
        Case("elsewhere", reverse(name, kwargs=everything_elsewhere), dict.fromkeys(home, "elsewhere")),
    ]
    for argument, kind in policy.objects.items():
        own = home[argument]
        known = {
            where: value
            for where, value in ids[kind].items()
            if where != "home" and (where == "earlier" or len(home) > 1)
        }
        some = known | {"missing": MISSING} | strange(own, kind, ids)
        yield [
            Case(
                f"{argument} {what}",
                _replaced(plain.path, own, value),
                at_home | {argument: what if what in known else "nowhere"},
                is_malformed=what not in known and value != MISSING,
            )
            for what, value in some.items()
        ]


def strange(own: str, kind: str, ids: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Ids that are nobody's, made from one that is somebody's, as they stand in an address."""
    other = next(value["home"] for name, value in ids.items() if name != kind and value["home"] != own)
    return {
        "too long": own * 40,
        "cut": own[:-1],
        "with a sign more": f"{own}A",
        "in the other case": own.swapcase(),
        "with a dot": f"{own}.",
        "with a space": f"{own}%20",
        "with NUL": f"{own}%00",
        "not in UTF-8": f"{own}%FF",
        "with other signs": f"%E2%80%AE{own}%C3%BC",
        "markup": "%3Cb%3E%7B%7B7*7%7D%7D",
        "a question to the database": "'%20OR%201=1--",
        "a number": "1",
        "of another kind": other,
    }


def lets_in(policy: Policy, who: Who) -> bool:
    """Whether the table lets them come to the address at all."""
    if who.role is None or who.is_switched_off:
        return False
    return (not policy.roles or who.role in policy.roles) and not (policy.unlimited_only and who.is_limited)


def expected(policy: Policy, who: Who, method: str, case: Case) -> frozenset[int]:
    """The statuses that the table allows; 302 and 204 for somebody who has yet to sign in."""
    if who.role is None or who.is_switched_off:
        return frozenset({302, 204})
    if not lets_in(policy, who):
        return frozenset({403})
    if method not in policy.methods:
        return frozenset({405})
    if all(who.has(policy.objects[argument], where) for argument, where in case.where.items()):
        # An address that mixes worlds names nothing, however much of both is one's own.
        worlds = {where.replace("earlier", "home") for where in case.where.values()}
        return ALLOWED if len(worlds) < 2 else frozenset({404})
    return frozenset({404})


def asks(policy: Policy, who: Who, some: list[Case], turn: Iterator[int]) -> Iterator[tuple[Case, str, bool]]:
    """How each case is asked: with each method, as a page and as a fragment.

    What is malformed is asked in one way each, by turns. Of whoever is not let in, or has nothing of the kind, one of
    the malformed is asked, and what is missing as a page or as a fragment by turns: all that they ask for is refused.
    """
    ways = ["GET", *(["POST"] if "POST" in policy.methods else [])]
    malformed = [case for case in some if case.is_malformed]
    has_something = any(who.has(kind, "home") for kind in policy.objects.values())
    is_refused_all = not lets_in(policy, who) or not has_something
    if malformed and is_refused_all:
        malformed = [malformed[next(turn) % len(malformed)]]
    for case in malformed:
        number = next(turn)
        yield case, ways[number % len(ways)], number % 5 != 0
    for case in some:
        if case.is_malformed:
            continue
        is_world = case.name in {"at home", "elsewhere"}
        if case.name == "at home":
            yield from ((case, method, False) for method in ("HEAD", "DELETE", *({"POST"} - set(ways))))
        for method in ways:
            if is_world or not is_refused_all:
                yield from ((case, method, htmx) for htmx in (False, True))
            else:
                yield case, method, next(turn) % 2 == 0


def _replaced(path: str, own: str, value: str) -> str:
    parts = path.split("/")
    assert parts.count(own) == 1, (path, own)
    return "/".join(value if part == own else part for part in parts)
