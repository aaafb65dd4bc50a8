"""P6: verifying the trail."""

import json
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from portal.audit import chain
from portal.audit.models import Actor, Entry
from portal.audit.verification import verify
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant

PROMISED_ROWS, PROMISED_SECONDS = 1_000_000, 120


@benchmark("P6", "verifying the trail, beside reading its rows")
def verifying(bench: Bench) -> None:
    added = append(bench.part(20_000))
    total = Entry.objects.count()
    verdict = verify()
    assert verdict.is_valid, verdict
    measured = bench.measure(
        Variant("ours", verify, units=total),
        Variant("reading", lambda: list(Entry.objects.values_list().iterator()), units=total),
    )
    bench.show(measured, units="entries/s")
    seconds = measured.seconds["ours"] * PROMISED_ROWS
    bench.judge(measured, [Claim("a million entries would take, s", seconds, most=PROMISED_SECONDS)])
    bench.say(f"{added:,} entries were measured, and scaled")


def append(count: int) -> int:
    """Entries as the trail writes them, signed into its chain, many in a transaction; with their heads."""
    number, mac = Entry.objects.order_by("-number").values_list("number", "mac").first() or (0, "")
    key_id, key = chain.key_ring.newest()
    began = datetime.now(UTC)
    entries, heads = [], []
    for _ in range(count):
        number += 1
        entry = Entry(
            number=number,
            at=began + timedelta(microseconds=number),
            event="door.open",
            phase="outcome",
            outcome="succeeded",
            actor_kind=Actor.PERSON,
            actor_name="Inês Núñez",
            role="manager",
            address="192.0.2.7",
            user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            family_name="Silva 12",
            object_kind="relay",
            object_id="tLw0hXk8QnW1yq2M0z5b3A",
            object_name="Front door",
            parameters=json.dumps({"device": "Front door", "mac": f"{number:012X}", "relay_id": "relay1"}),
            command_id=f"c{uuid.UUID(int=number).hex}",
            request_id=uuid.UUID(int=number).hex,
            upstream_status=200,
            duration_ms=180,
            key_id=key_id,
        )
        entry.canonical = chain.canonical(tuple(getattr(entry, name) for name in chain.SIGNED))
        mac = entry.mac = chain.sign(key, mac, entry.canonical)
        entries.append(entry)
        heads.append(f"{number} {mac}\n")
    with transaction.atomic():
        Entry.objects.bulk_create(entries, batch_size=500)
    with settings.AUDIT_HEADS_FILE.open("a") as file:
        file.writelines(heads)
    return count
