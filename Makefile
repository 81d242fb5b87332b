# Short on purpose: what needs thought is Python (sensgene/environment.py, manage.py serve, tests/__main__.py).
PYTHON ?= python3
PORT ?= 8000
VENV = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test bench faults lint messages lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run:  ## set everything up and serve the site (PORT=8123 for another port, DATABASE_URL=postgres://… for PostgreSQL)
	@$(PYTHON) sensgene/environment.py runtime
	@exec $(VENV) manage.py serve --port $(PORT)

test:  ## set everything up and run every test (WITHOUT=browser,postgres to accept less)
	@$(PYTHON) sensgene/environment.py dev
	@$(VENV) -m tests

bench:  ## measure the search at 1, 10 and 100 times the data (some twenty minutes; results in var/bench/)
	@$(PYTHON) sensgene/environment.py dev
	@$(VENV) -m tests.benchmarks

faults:  ## kill the mail worker again and again, at full size (ten thousand letters, some twenty minutes)
	@$(PYTHON) sensgene/environment.py dev
	@$(VENV) -m tests.faults

lint:  ## check the style of the code
	@$(PYTHON) sensgene/environment.py dev
	@$(VENV) -m ruff check . && $(VENV) -m ruff format --check .

messages:  ## collect the UI strings (needs GNU gettext) and compile the catalogues
	@$(PYTHON) sensgene/environment.py dev
	@$(VENV) manage.py messages

lock:  ## write requirements/*.txt anew from pyproject.toml
	@$(PYTHON) sensgene/environment.py lock

clean:  ## remove the environment and everything generated, the working database included
	rm -rf .venv var
