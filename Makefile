# Everything a person does with this checkout; `make` alone lists it.
.POSIX:

PYTHON_HERE = .venv/bin/python

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile | awk -F': ' '{ printf "%-18s %s\n", $$1, $$2 }'

setup:  ## the virtual environment .venv alone (PYTHON=python3.12 chooses one)
	@sh requirements/setup.sh base

demo:  ## the whole portal with a made-up estate; Ctrl-C ends it (PORT=8010 DATA=folder)
	@sh requirements/setup.sh demo
	@exec $(PYTHON_HERE) -m portal.supervisor demo --port "$${PORT-}" --data "$${DATA:-var}"

test:  ## every check and the whole suite (COMPLETE=1 allows no omission, ARGS="-k door" goes to pytest)
	@sh requirements/setup.sh development
	@exec $(PYTHON_HERE) -m tests.run $${COMPLETE:+--complete} $(ARGS)

run:  ## the production processes, set up by the environment (HOST=0.0.0.0 PORT=8000)
	@sh requirements/setup.sh base
	@exec $(PYTHON_HERE) -m portal.supervisor run --host "$${HOST:-127.0.0.1}" --port "$${PORT:-8000}"

lint:  ## the checks of `make test` that run nothing
	@sh requirements/setup.sh development
	@exec $(PYTHON_HERE) -m tests.run --lint

lock:  ## requirements/*.txt anew from the *.in (UPGRADE=1 takes the newest of everything)
	@sh requirements/setup.sh development
	@sh requirements/lock.sh

bench:  ## the figures: ours beside the peer and the limit
	@sh requirements/setup.sh development
	@exec $(PYTHON_HERE) -m tests.benchmarks $(ARGS)

screenshots:  ## the pictures of the README and docs/, from a browser
	@sh requirements/setup.sh development
	@exec $(PYTHON_HERE) -m tests.browser.screenshots $(ARGS)

.PHONY: help setup demo test run lint lock bench screenshots
