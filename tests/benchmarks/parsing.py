"""S3: reading an answer of 200 openings."""

import json

from portal.upstream import wire
from portal.upstream.answers import Answer
from portal.upstream.commands import find_command
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.histories import HISTORY_COMMAND, answer_body
from tests.benchmarks.measuring import Variant


@benchmark("S3", "reading an answer of 200 openings, checked and cleaned")
def parsing(bench: Bench) -> None:
    """The peer of the plan, pydantic, is not among the development requirements and is left out."""
    body = answer_body(200)
    command = find_command(HISTORY_COMMAND)

    def ours() -> object:
        return Answer(command, "c", wire.read_envelope(body, strict=False), 200).result

    def digest() -> object:
        return Answer(command, "c", wire.read_envelope(body, strict=False), 200).digest

    measured = bench.measure(
        Variant("ours", ours),
        Variant("ours, digest only", digest),
        Variant("json.loads", lambda: json.loads(body)),
    )
    bench.tell(measured, [Claim("ours / json.loads", measured.ratio("ours", "json.loads"), most=1.2)])
    bench.say("pydantic is not installed and left out")
