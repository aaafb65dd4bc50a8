"""``python -m portal.supervisor demo|run``: parses the words and tells trouble in one line."""

import argparse
import sys
from pathlib import Path

from portal.supervisor import demo, ports, production
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import complain
from portal.supervisor.trouble import ChildEnded, StopAsked, Trouble


def main() -> int:
    """0 after an orderly stop; 1 with a reason when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m portal.supervisor")
    modes = parser.add_subparsers(dest="mode", required=True)
    for_demo = modes.add_parser("demo", help="everything on this machine, with a made-up estate")
    for_demo.add_argument(
        "--port", default="", help="of the web address; left out: 8000 or the next free one"
    )
    for_demo.add_argument("--data", default="var", help="the folder for everything that is kept")
    for_production = modes.add_parser("run", help="web, worker and beat, set up by the environment")
    for_production.add_argument("--host", default="127.0.0.1")
    for_production.add_argument("--port", default="8000")
    words = parser.parse_args()
    stop = StopRequest()
    try:
        if words.mode == "demo":
            port = ports.parse_port(words.port) if words.port else None
            demo.run(stop, port=port, data=Path(words.data))
        else:
            production.run(stop, host=words.host, port=ports.parse_port(words.port))
    except StopAsked:
        return 0
    except Trouble as trouble:
        complain(f"Gatehouse: {trouble}")
        return 1
    except ChildEnded:
        # Told already, before the other children were stopped.
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
