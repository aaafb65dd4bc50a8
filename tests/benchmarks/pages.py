"""W2 to W4: the unchanged poll, rendering a page of rows, and bytes on the wire."""

import gzip
import re
from html import escape
from urllib.parse import urlencode, urlsplit

from django.contrib.staticfiles import finders
from django.template import engines
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Opening
from portal.desk import log, rows
from portal.desk.log import LogFilter
from tests.benchmarks.asking import POLL, browser, page
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant

ROWS_TEMPLATE = "desk/_log_days.html"
# What links a page to its sheets, scripts and icons.
ASSET = re.compile(r'(?:href|src)="(/(?:static|style)/[^"]+)"')
IN_SHEET = re.compile(r"""url\(\s*["']?([^"')]+)""")
# As one writes it first: the template formats, and a row is an include.
PLAIN_ROW = """{% load i18n %}<li class="entry" id="opening-{{ row.pk }}"><details>
<summary><time datetime="{{ row.at|date:'c' }}" title="{{ row.at|date:'l j F Y, H:i:s (e)' }}">{{ row.at|date:'H:i' }}<span>:{{ row.at|date:'s' }}</span></time>
{% if row.picture == "ready" %}<img class="picture" src="{{ row.thumbnail_url }}" width="44" height="44" alt="">{% else %}<span class="picture picture--none"></span>{% endif %}
<span>{% firstof row.command.actor_name row.account_name _("Not named") %}{% if row.command %} <span>{% translate "from the portal" %}</span>{% endif %}</span>
<span>{{ row.device_name|default:_("Door not named") }} <small>{{ row.family.name }}</small></span><span>{{ row.open_door_type }}</span>
<span class="status">{% if row.is_success %}{% translate "Opened" %}{% else %}{% translate "Refused" %}{% endif %}</span></summary>
<dl><dt>{% translate "When" %}</dt><dd>{{ row.at|date:'l j F Y, H:i:s (e)' }}</dd><dt>{% translate "Family" %}</dt><dd>{{ row.family.name }}</dd>
<dt>{% translate "First seen by the portal" %}</dt><dd>{{ row.seen_at|date:'j F, H:i:s' }}</dd></dl>
<div><a href="{% url 'families:family_detail' row.family.public_id %}">{% translate "The family" %}</a><a href="{% url 'desk:log_list' %}?family={{ row.family.public_id }}">{% translate "This family's log" %}</a></div>
</details></li>"""
PLAIN_PAGE = "<ol>{% for row in rows %}{% include row_template %}{% endfor %}</ol>"


@benchmark("W2", "a poll with nothing new (204), beside the page and a view that does nothing")
def unchanged_poll(bench: Bench) -> None:
    client = browser(bench.estate.manager)
    seen = urlencode({"seen": str(log.watermark())})
    measured = bench.measure(
        Variant("ours", page(client, f"{reverse('desk:log_new')}?{seen}", status=204, **POLL)),
        Variant("the page", page(client, reverse("desk:log_list"))),
        Variant("nothing", page(client, "/peer/nothing/")),
    )
    bench.tell(measured, [Claim("page / poll", measured.ratio("the page", "ours"), least=8)])


@benchmark("W3", "rendering 50 rows, beside a plain template and f-strings")
def rendering(bench: Bench) -> None:
    """Ours is formatting and template together; the rows are read before."""
    manager = bench.estate.manager
    found, _ = log.list_log(manager, LogFilter())
    ours = get_template(ROWS_TEMPLATE)
    django = engines["django"]
    plain, row_template = django.from_string(PLAIN_PAGE), django.from_string(PLAIN_ROW)
    openings = list(Opening.objects.select_related("family", "command").order_by("-at", "-id")[: len(found)])
    context = {"rows": openings, "row_template": row_template}
    zone = timezone.get_current_timezone()
    measured = bench.measure(
        Variant("ours", lambda: ours.render({"days": rows.days(manager, found)})),
        Variant("of it words", lambda: rows.days(manager, found)),
        Variant("plain template", lambda: plain.render(context)),
        Variant("f-strings", lambda: "".join(_as_text(row, zone) for row in found)),
    )
    bench.tell(
        measured,
        [
            Claim("plain template / ours", measured.ratio("plain template", "ours"), least=3),
            Claim("ours / f-strings", measured.ratio("ours", "f-strings"), most=3),
        ],
    )


@benchmark("W4", "bytes on the wire, packed: first visit with every asset, and the next page")
def wire(bench: Bench) -> None:
    """HTML is counted as a proxy would pack it; pictures of openings are not counted."""
    client = browser(bench.estate.manager)
    ours, next_page = _visit(client, reverse("desk:log_list")), reverse("desk:dashboard")
    peer = _visit(client, reverse("admin:access_opening_changelist"))
    fragment = _packed(page(client, reverse("desk:log_list"), **{"HX-Request": "true"})())
    following = max(_packed(page(client, url)()) for url in (next_page, reverse("access:device_list")))
    older = _packed(page(client, reverse("desk:log_list"))())
    bench.say(f"first visit {ours / 1000:.1f} kB   admin {peer / 1000:.1f} kB")
    bench.say(
        f"next page: the log {older / 1000:.1f} kB, its fragment {fragment / 1000:.1f} kB, others {following / 1000:.1f} kB"
    )
    answer = client.get(reverse("desk:log_list"), headers={"Accept-Encoding": "gzip"})
    bench.say(f"the portal itself packs its HTML: {'yes' if answer.get('Content-Encoding') else 'no'}")
    bench.judge(
        None,
        [
            Claim("first visit, kB", ours / 1000, most=60),
            Claim("next page (a page of the log), kB", older / 1000, most=8),
        ],
    )


def _as_text(row: log.Row, zone: object) -> str:
    """The same row with the same facts, straight into text: the least that Python needs for it."""
    values, local = row.values, row.place.at.astimezone(zone)  # type: ignore[arg-type]
    exact = f"{local:%A %d %B %Y, %H:%M:%S} ({local.tzname()})"
    family, name = values["family__public_id"], escape(values["family__name"])
    who = escape(values.get("account_name") or values.get("call_name") or "Not named")
    seen = values.get("seen_at")
    return (
        f'<li class="entry entry--{row.kind}" id="{row.kind}-{row.place.pk}"><details><summary class="entry__line">'
        f'<time class="entry__time" datetime="{row.place.at.isoformat()}" title="{exact}">{local:%H:%M}'
        f'<span class="entry__seconds">:{local:%S}</span></time><span class="picture picture--none"></span>'
        f'<span class="entry__who">{who}</span><span class="entry__door">{escape(values.get("device_name", ""))} '
        f'<small class="entry__place">{name}</small></span><span class="entry__how">'
        f'{escape(values.get("open_door_type", ""))}</span><span class="entry__result"><span class="status">'
        f'{"Opened" if values.get("is_success") else "Refused"}</span></span></summary><div class="entry__page">'
        f'<dl class="facts"><dt>When</dt><dd>{exact}</dd><dt>Family</dt><dd>{name}</dd>'
        f"<dt>First seen by the portal</dt><dd>{f'{seen:%d %B, %H:%M:%S}' if seen else ''}</dd></dl>"
        f'<div class="entry__links"><a href="/families/{family}/">The family</a>'
        f'<a href="/log/?family={family}">This family&#x27;s log</a></div></div></details></li>'
    )


def _visit(client: Client, url: str) -> int:
    """The packed bytes of a page and of every file that it needs, those that sheets name among them."""
    body = page(client, url)()
    waiting = set(ASSET.findall(body.decode()))
    seen: set[str] = set()
    total = _packed(body)
    while waiting:
        address = waiting.pop()
        seen.add(address)
        if address.startswith("/style/"):
            total += _packed(page(client, address)())
            continue
        found = finders.find(urlsplit(address).path.removeprefix("/static/"))
        if not found:
            continue
        with open(found, "rb") as file:  # noqa: PTH123
            content = file.read()
        total += len(content) if address.endswith((".woff2", ".png", ".jpg")) else _packed(content)
        if address.endswith(".css"):
            folder = address.rsplit("/", 1)[0]
            waiting |= {
                f"{folder}/{name}" for name in IN_SHEET.findall(content.decode()) if ":" not in name
            } - seen
    return total


def _packed(body: bytes) -> int:
    return len(gzip.compress(body, 6))
