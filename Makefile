.DEFAULT_GOAL := help
.PHONY: help demo test test-fast chaos chaos-webhooks drill containers check lint format bench docs docs-site messages screenshots wheel release release-check lock audit sbom digests clean

BIN := .venv/bin
SOURCES := pyproject.toml requirements/dev.txt requirements/run.txt scripts/setup
TOOLS := .venv/tools/bin
SBOM := sbom.json
PINNED := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

help: ## List what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.installed ## Run the example campaigns on a sandbox of both vendors, to their report
	@$(BIN)/dialer demo $(ARGS)

test: .venv/.installed-dev ## Run all tests: real Redis, workers, SQLite and PostgreSQL
	@$(BIN)/pytest -n 6 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: .venv/.installed-dev ## Run the tests that need no ledger, no server and no other process, in half a minute
	@$(BIN)/pytest -n 2 -m fast $(ARGS)

chaos: .venv/.installed-dev ## Throw hundreds of faults at thousands of contacts, on both stores, and judge
	@$(BIN)/python -m tests.chaos $(ARGS)
	@TIMES=10 $(BIN)/pytest -m drawn -n 2 --dist loadfile --timeout 3000

chaos-webhooks: .venv/.installed-dev ## Tell ten thousand events under fire, on both stores, and judge what came
	@$(BIN)/python -m tests.chaos.webhooks $(ARGS)

drill: .venv/.installed-dev ## Provoke a fault for each alert, and mend it as docs/runbook.md says, with Prometheus
	@$(BIN)/python -m tests.drill $(ARGS)

containers: .venv/.installed-dev .venv/.installed-tools ## Run our containers by Podman, upgrade them, kill each, and judge; as root, ARGS="--keep" for a next run
	@$(BIN)/python -m tests.containers $(ARGS)

check: lint test ## What CI runs: the linters, then the tests

lint: .venv/.installed-dev ## Format, lint, types, import direction
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.installed-dev ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.installed-dev ## Measure, and keep it in docs/benchmarks.md: ARGS="bucket" for one subject
	@$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/.installed-dev ## Write the tables of docs/ that are made from the code anew
	@$(BIN)/python -m tests.contract.callgear.tables
	@$(BIN)/python -m scripts.pages

docs-site: .venv/.installed-site ## Build the docs as a site in build/site: search, dark and light, every link held; nothing from elsewhere
	@.venv/site/bin/python -m scripts.docs_site

messages: .venv/.installed-dev ## Write each text of the pages into console/locale, to be translated there
	@$(BIN)/python -m scripts.messages

screenshots: .venv/.installed-dev ## Take the pictures of the console's pages in docs/ anew, in Chromium
	@$(BIN)/python -m tests.browser.screenshots

wheel: .venv/.installed ## Build dist/*.whl, and beside it the versions it was tested with
	@$(BIN)/python -m scripts.release --wheel

release: .venv/.installed .venv/.installed-tools ## Build a release in dist/: wheel, sdist, SBOM, SHA256SUMS; the same bytes each time
	@$(BIN)/python -m scripts.release

release-check: .venv/.installed .venv/.installed-tools docs-site ## Build the docs' site, install the wheel by pip and pipx on every Python here, run the demo; ARGS="3.12" for one
	@$(BIN)/python -m scripts.release_check $(ARGS)

lock: .venv/.installed-tools ## Pin what pyproject.toml asks for, with hashes: ARGS="--upgrade" for newer versions
	@$(TOOLS)/uv pip compile $(PINNED) $(ARGS) --group build --extra dev pyproject.toml -o requirements/dev.txt
	@$(TOOLS)/uv pip compile $(PINNED) --constraints requirements/dev.txt --group build pyproject.toml -o requirements/run.txt
	@$(TOOLS)/uv pip compile $(PINNED) $(ARGS) --group tools -o requirements/tools.txt
	@$(TOOLS)/uv pip compile $(PINNED) $(ARGS) --group site -o requirements/site.txt

audit: .venv/.installed-tools ## Ask for known vulnerabilities of what is pinned
	@$(TOOLS)/pip-audit --disable-pip --requirement requirements/run.txt $(ARGS)

sbom: .venv/.installed-tools ## List what the program is made of in sbom.json (CycloneDX)
	@$(TOOLS)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file $(SBOM) requirements/run.txt

digests: ## Pin the images that are pulled (Dockerfile, docker-compose.yml) by digest, through Docker; ARGS="--check" names those that are not
	@scripts/digests $(ARGS)

clean: ## Remove the virtual environment, caches and local data
	@rm -rf .venv .dialer .containers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info dist sbom.json

# Where the tests' packages are, too, both are brought up to date at once: the other target finds nothing left to do.
.venv/.installed: $(SOURCES)
	@scripts/setup $(if $(wildcard .venv/.installed-dev),dev)
	@touch $@ $(wildcard .venv/.installed-dev)

.venv/.installed-dev: $(SOURCES)
	@scripts/setup dev
	@touch $@ .venv/.installed

.venv/.installed-tools .venv/.installed-site: .venv/.installed-%: requirements/%.txt
	@scripts/setup $*
	@touch $@
