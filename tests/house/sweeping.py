"""The estate with everybody's browser, and the judge of every answer."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.audit.viewing import ADDRESS_LENGTH
from tests.house.canaries import secrets_in, words_in
from tests.house.estate import Estate
from tests.house.sweep import READS_ALSO, REVEALS, SHOWS_MACS, WHO, Who
from tests.house.sweep_browser import Answer, Visitor, tables
from tests.plugins.simulator import SimulatorProcess

SIGN_IN_FIRST = frozenset({302, 204})


class Sweep:
    """Who knocks, with which ids, and what was found wrong."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self.simulator = simulator
        self.estate = Estate(simulator)
        self.visitors = {name: Visitor(_arrive(self.estate, name, who)) for name, who in WHO.items()}
        self.ids = {name: self.estate.ids_of(visitor.person) for name, visitor in self.visitors.items()}
        off = self.visitors["switched off"].person
        User.objects.filter(pk=off.pk).update(is_active=False)
        self.address = ""
        self.requests = 0
        self.deviations: list[str] = []
        self.turn = count()

    def wrong(self, what: str) -> None:
        self.deviations.append(what)

    def begin(self) -> None:
        """A new address: nothing was asked and nothing sent."""
        self.address, self.requests = "", 0
        self.deviations.clear()
        self.simulator.clear_journal()

    @property
    def told(self) -> str:
        """What went on, for the summary of the run."""
        told = {"address": self.address, "people": len(WHO), "requests": self.requests}
        return json.dumps(told | {"deviations": len(self.deviations)})

    def end(self, name: str) -> None:
        """Fail when something was wrong at an address."""
        self.address = name
        some = "\n".join(self.deviations[:25])
        assert not self.deviations, f"{name}: {len(self.deviations)} deviations\n{some}"

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """What is asked inside changes no table and sends nothing."""
        before = tables()
        yield
        now = tables()
        if changed := [table for table, digest in now.items() if digest != before[table]]:
            self.wrong(f"a look or a refusal changed {changed}")
        if arrived := self.simulator.journal():
            self.wrong(f"a look or a refusal sent {[call['command'] for call in arrived]}")

    @contextmanager
    def refusals_are_told(self, who_name: str) -> Iterator[set[tuple[str, int]]]:
        """The trail tells each of the refusals that are put into the given set once, and no other."""
        last = Entry.objects.aggregate(last=Max("number"))["last"] or 0
        refused: set[tuple[str, int]] = set()
        yield refused
        told = Entry.objects.filter(number__gt=last, event__startswith="access.denied")
        found = Counter(
            (f"{json.loads(entry.parameters).get('method')} {entry.object_name}", entry.upstream_status)
            for entry in told
        )
        much, little = list(found - Counter(refused)), list(Counter(refused) - found)
        if much or little:
            self.wrong(f"{who_name}: on the trail too much {much[:2]}, too little {little[:2]}")

    def ask(
        self,
        name: str,
        who_name: str,
        what: str,
        wanted: frozenset[int],
        method: str,
        path: str,
        *,
        htmx: bool = False,
        body: str = "",
        refused: set[tuple[str, int]] | None = None,
    ) -> Answer:
        """Ask, and judge the answer; a refusal is put into ``refused``."""
        who, visitor = WHO[who_name], self.visitors[who_name]
        answer = visitor.ask(method, path, htmx=htmx, body=body)
        if "%00" in path:
            wanted = frozenset({400})
        elif answer.route is None:
            wanted = frozenset({404})
        to = reverse("account_login") if wanted == SIGN_IN_FIRST else ""
        self.judge(f"{who_name}, {method}, {what}{', htmx' * htmx}", name, who_name, answer, wanted, to)
        is_somebody = who.role is not None and not who.is_switched_off
        if refused is not None and answer.status in {403, 404} and answer.route and is_somebody:
            refused.add((f"{method} {answer.path[:ADDRESS_LENGTH]}", answer.status))
        return answer

    def judge(
        self, what: str, name: str, who_name: str, answer: Answer, wanted: frozenset[int], to: str = ""
    ) -> None:
        """Compare an answer with what was wanted and where it should lead, and look for canaries in all of it."""
        self.requests += 1
        if answer.status not in wanted:
            self.wrong(f"{what}: {answer.status} instead of {sorted(wanted)}")
        may_read = WHO[who_name].words | READS_ALSO.get(name, {}).get(who_name, frozenset())
        if foreign := words_in(answer.everything) - may_read:
            self.wrong(f"{what}: words of {sorted(foreign)}: {_around(answer.everything, foreign)}")
        secret = secrets_in(answer.everything, self.estate.upstream_ids)
        if name in REVEALS and ", POST, " in what and answer.status == 200:
            secret = {text for text in secret if not text.startswith("canary")}
        if name in SHOWS_MACS and WHO[who_name].role in {Role.MANAGER, Role.AUDITOR}:
            secret -= {mac for mac, word in self.estate.macs.items() if word in may_read}
        if secret:
            self.wrong(f"{what}: {sorted(secret)}: {_around(answer.everything, secret)}")
        if to and answer.leads_to.partition("?")[0] != to:
            self.wrong(f"{what}: leads to {answer.leads_to!r}")


def _arrive(estate: Estate, name: str, who: Who) -> User | None:
    """The person of that name, with the rights that the table of the sweep says they have."""
    if who.role is None:
        return None
    now = timezone.now()
    person = estate.visitor(name, who.role, is_limited=who.is_limited)
    if name in {"limited manager", "limited auditor"}:
        estate.limit(person, "home")
    match name:
        case "family admin":
            estate.grant(person, "home")
        case "family admin whose grant ended":
            estate.grant(person, "home", ends_at=now - timedelta(minutes=1))
        case "family admin whose grant is suspended":
            estate.grant(person, "home", suspended_at=now - timedelta(minutes=1))
        case "family admin whose grant has not begun":
            estate.grant(person, "home", starts_at=now + timedelta(days=1))
    estate.personal_connection(person)
    return person


def _around(content: bytes, found: set[str]) -> str:
    text = content.decode(errors="replace")
    place = min(text.lower().find(word.lower()) for word in found)
    return repr(text[max(0, place - 80) : place + 60])
