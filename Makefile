# Everything works on a fresh clone: each target first makes sure of its own set-up.
#
#   make demo    the main job, start to end, on this machine: the place to begin
#   make test    every check
#   make local   the local cloud, until Ctrl-C (SIMULATOR=0: without the simulated POS; INSTANCES=2: each
#                function's process stands for two instances, so it takes twice its `concurrency` at once)
#   make token ROLE=R ORG=O    an ID token of the local cloud, for programs: sync-sam token
#   make screenshots           every page of the console, into .local/screenshots (PAGES="orgs menu": some)
#   make bench   the benchmarks
#   make campaign SEEDS=1-200   all that can go wrong, by seeds: see tests/campaign
#   make sam ARGS="orgs --failing"   the operators' command line, .venv/bin/sync-sam: see docs/operations.md
#   make plan PROJECT=P        what a deployment to the project would change: see docs/deploy.md
#   make deploy PROJECT=P      the deployment (YES=1: ask nobody)
#   make smoke PROJECT=P ORG=O one org synced there, then the schedules resumed
#   make audit                 known vulnerabilities of the packages, insecure code
#   make release               the bill of materials of what is deployed, into .local/release
#   make requirements          the pinned packages anew, from requirements.in and requirements-dev.in
#   make rollback PROJECT=P    the source deployed before (OBJECT=… any earlier one)
#   make import-ecom ORG=O FILE=F [DRY_RUN=1]   the web shop's order export: sync-sam import-ecom
#   make replay ARGS="dead-letters --org ORG"   try again what failed: sync-sam replay

PYTHON := .venv/bin/python
STATIC := format lint imports types
SUITES := unit contract emulator e2e
CHECKS := $(STATIC) $(SUITES)
SEEDS := 1-20
IN_PROJECT = $(if $(GOOGLE_CLOUD_PROJECT),--project "$(GOOGLE_CLOUD_PROJECT)")

# Whatever programs put away for a while stays in this folder too.
export TMPDIR := $(CURDIR)/.local/tmp

.PHONY: setup browser demo test static local bench campaign replay import-ecom sam plan deploy smoke rollback token screenshots $(CHECKS)
.NOTPARALLEL:

demo: setup
	@exec $(PYTHON) -m deploy.local.demo

test: browser static $(SUITES)

local: setup
	@exec $(PYTHON) -m deploy.local

bench: setup
	@exec $(PYTHON) -m tests.bench

campaign: setup
	@exec $(PYTHON) -m tests.campaign --seeds $(SEEDS)

fuzz: setup
	FUZZ_CASES=2000 $(PYTHON) -m pytest -s tests/e2e/doors/test_fuzz*.py
	FUZZ_CASES=5000 $(PYTHON) -m pytest -s tests/emulator/sync/test_fuzz.py
	FUZZ_CASES=5000 $(PYTHON) -m pytest -s tests/emulator/test_tenant_isolation.py
	FUZZ_CASES=5000 $(PYTHON) -m pytest -s tests/unit/pos/test_orgs_apart.py tests/unit/outbound/test_addresses.py

sam: setup
	@exec .venv/bin/sync-sam $(ARGS)

replay: setup
	@exec .venv/bin/sync-sam replay $(ARGS) $(IN_PROJECT)

import-ecom: setup
	@exec .venv/bin/sync-sam import-ecom "$(ORG)" "$(FILE)" $(if $(DRY_RUN),--dry-run) $(IN_PROJECT)

plan deploy smoke rollback: setup
	@exec $(PYTHON) -m deploy.release $@ --project "$(PROJECT)" $(if $(YES),--yes) \
		$(if $(ORG),--org "$(ORG)") $(if $(OBJECT),--object "$(OBJECT)")

audit: setup lint
	$(PYTHON) -m deploy.audit

release: setup
	@mkdir -p .local/release
	.venv/bin/cyclonedx-py requirements requirements.txt --output-reproducible -o .local/release/sbom.cdx.json
	@cp docs/licences.md .local/release/

COMPILE := .venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --no-emit-find-links --no-emit-index-url --strip-extras

requirements: setup
	$(COMPILE) --output-file=requirements.txt requirements.in
	$(COMPILE) --output-file=requirements-dev.txt requirements-dev.in
	$(PYTHON) -m deploy.licences

setup:
	@deploy/local/setup.sh

browser:
	@deploy/local/setup.sh --browser

# The types, which take longest, beside the others.
static: setup
	@$(MAKE) --no-print-directory types & types=$$!; \
	$(MAKE) --no-print-directory $(filter-out types,$(STATIC)); others=$$?; \
	wait $$types && exit $$others

format: setup
	.venv/bin/ruff format --check

lint: setup
	.venv/bin/ruff check
	.venv/bin/bandit -q -c pyproject.toml -r functions shared deploy

types: setup
	.venv/bin/mypy .

imports: setup
	.venv/bin/lint-imports

e2e: browser

# Two workers, each taking the next file: so what a file starts is started once. Or the next group of
# files (tests/e2e/conftest.py): so each cloud is started once.
BY := loadfile
e2e: BY := loadgroup
$(SUITES): setup
	$(PYTHON) -m pytest -n 2 --dist $(BY) --no-loadscope-reorder tests/$@

token: setup
	@exec .venv/bin/sync-sam token $(if $(ROLE),--role "$(ROLE)") $(if $(ORG),--org "$(ORG)")

screenshots: browser
	@exec $(PYTHON) -m tests.e2e.console.screenshots $(PAGES)
