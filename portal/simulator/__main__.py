"""The command: ``python -m portal.simulator``."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from .keeping import Keeper
from .live import Live
from .server import Simulator
from .world import BATCHES, Settings

ENDINGS = {signal.SIGTERM, signal.SIGINT}

EPILOG = """\
The wire is at {address}/api/v1.0/invoke/open-ability/method/user-commands, and .../oauth2/token beside it.

Behind the scenes, in JSON:
  GET  /_simulator/sign-in[?username=...]  token, password and client of the organisation's account, or another's
  GET  /_simulator/estate                  families with their members and devices
  GET  /_simulator/canaries                every secret there is, for searching leaks
  GET  /_simulator/journal[?command=...]   what arrived and became of it; DELETE empties it
  POST /_simulator/faults                  {"command": name or "*", "kind": ..., "times": n or null, "account_id": ...};
                                           GET, DELETE
  POST /_simulator/events                  {"kind": "opening|call|device|family|member|rename", ...}
  POST /_simulator/reset                   {"seed": ..., "families": ..., "window": ..., "now": ..., "batches": ...}
  POST /_simulator/tokens                  {"expire": true, "refresh": false}
  POST /_simulator/clock                   {"advance_seconds": n}
"""


def main() -> int:
    options = _options()
    keeper = Keeper(options.state) if options.state else None
    first, saved = _settings(options, keeper.load() if keeper else None)
    try:
        simulator = _simulator(options, first, saved)
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    # Blocked in all threads and waited for in this one: a handler would run only once the kernel happens to
    # interrupt the main thread, and it may choose another. A shell starts its background jobs with SIGINT ignored,
    # which would never arrive, so that is undone first.
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    stop = threading.Event()
    _in_background(simulator.serve_forever, 0.05)
    if keeper:
        _in_background(keeper.keep, simulator, stop)
    if options.until_stdin_closes:
        _in_background(_end_with_stdin)
    if options.live:
        Live(simulator, stop).start()
    print(f"listening on http://{options.host}:{simulator.server_address[1]}", flush=True)
    signal.sigwait(ENDINGS)
    stop.set()
    if keeper:
        keeper.save(simulator)
    # Hanging callers must not hold it: their threads are daemons, and their sockets close with the process.
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m portal.simulator",
        description="A stand-in for the upstream: the same wire, with an estate made from a seed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    first = Settings()
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks one")
    parser.add_argument("--families", type=int, help=f"size of the estate (default: {first.families})")
    parser.add_argument("--seed", help=f"what everything is made from (default: {first.seed})")
    parser.add_argument(
        "--window", type=int, help=f"rows of history that an answer holds (default: {first.window})"
    )
    parser.add_argument(
        "--now", metavar="ISO", help="when the clock begins and the first history ends (default: now)"
    )
    parser.add_argument(
        "--history-zone", metavar="ZONE", help="zone of the times in histories (default: UTC)"
    )
    parser.add_argument(
        "--open-row-seconds",
        type=float,
        metavar="N",
        help="how long after a remote opening its row is told (default: 1)",
    )
    parser.add_argument(
        "--rotate-pictures-seconds",
        type=float,
        metavar="N",
        help="how long addresses of pictures keep their query string; 0 is one call (default: 0)",
    )
    parser.add_argument(
        "--batches",
        choices=BATCHES,
        help=f"what becomes of a batch with a bad row in it (default: {first.batches})",
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the state here between runs")
    parser.add_argument("--live", action="store_true", help="let things happen by themselves")
    parser.add_argument("--quiet", action="store_true", help="say nothing but the address")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when the starting process is gone"
    )
    options = parser.parse_args()
    if options.now:
        try:
            moment = datetime.fromisoformat(options.now)
        except ValueError:
            parser.error(f"--now must be an ISO time, not {options.now}")
        options.now = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if options.history_zone and options.history_zone not in available_timezones():
        parser.error(f"--history-zone must be the name of a zone, not {options.history_zone}")
    if options.families is not None and not 1 <= options.families <= 100_000:
        parser.error("--families must be from 1 to 100000")
    return options


def _settings(
    options: argparse.Namespace, saved: dict[str, Any] | None
) -> tuple[Settings, dict[str, Any] | None]:
    """How to start anew, and the saved state if it is of the estate that is asked for. What the command line does
    not say goes on as it was saved."""
    given = {
        each.name: getattr(options, each.name)
        for each in fields(Settings)
        if getattr(options, each.name) is not None
    }
    if saved is not None:
        kept = saved["settings"]
        if "now" in given or any(given.get(name, kept[name]) != kept[name] for name in ("seed", "families")):
            saved = None
            if not options.quiet:
                print("the saved estate is another one than is asked for: it begins anew", file=sys.stderr)
        else:
            kept.update(given)
    return Settings(**given), saved


def _end_with_stdin() -> None:
    """By the descriptor itself: a reader that still holds sys.stdin cannot be ended with the process."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _simulator(options: argparse.Namespace, first: Settings, saved: dict[str, Any] | None) -> Simulator:
    address = (options.host, options.port)
    try:
        return Simulator(address, first, saved)
    except (KeyError, TypeError, ValueError) as error:
        if saved is None:
            raise
        print(f"the saved state is of another make, so the estate begins anew: {error!r}", file=sys.stderr)
        return Simulator(address, first)


def _in_background(task: Callable[..., Any], *arguments: Any) -> None:
    threading.Thread(target=task, args=arguments, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
