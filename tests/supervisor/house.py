"""A supervisor with fake children: ``house.py FOLDER CHILD[:option=value…] …``, ready one after another.

A child called redis is a real one.
"""

import os
import sys
from pathlib import Path

from portal.supervisor import redis
from portal.supervisor.children import Children, Program
from portal.supervisor.folder import DataFolder
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import complain, say
from portal.supervisor.trouble import ChildEnded, StopAsked, Trouble

FAKE = Path(__file__).with_name("fake_child.py")


def main() -> int:
    stop = StopRequest()
    data = DataFolder(Path(sys.argv[1]))
    journal = data.path / "journal"
    try:
        with data.lock({}, patience_seconds=10) as descriptor:
            children = Children(
                stop, environment=os.environ, folder=data.path, logs=data.logs, keep_open=(descriptor,)
            )
            with children:
                for words in sys.argv[2:]:
                    name, *options = words.split(":")
                    is_redis = name == "redis"
                    children.start(
                        redis.program(data.run / "redis.sock", data.redis)
                        if is_redis
                        else fake(name, journal, options)
                    )
                    children.wait_until_ready(name)
                say("all are there")
                children.watch()
    except StopAsked:
        return 0
    except ChildEnded:
        return 1
    except Trouble as trouble:
        complain(str(trouble))
        return 1
    return 0


def fake(name: str, journal: Path, options: list[str]) -> Program:
    command = (sys.executable, str(FAKE), name, str(journal), *options)
    return Program(
        name,
        command,
        is_ready=lambda: journal.exists() and f"{name} started" in journal.read_text(),
        ready_seconds=20,
        stop_seconds=1 if "deaf=1" in options else 20,
    )


if __name__ == "__main__":
    sys.exit(main())
