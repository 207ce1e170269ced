# make run: serve here. make test: the whole suite; make test-postgresql: on PostgreSQL. make check: style, types, imports, known holes. make bench: how fast it is. make torture: whether anything is lost or doubled. make sabotage: whether the tests catch faults. make sbom: what's deployed.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Kept bytecode spares every command, and the hundred processes of the tests, compiling the kit anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-postgresql check bench bench-growth sabotage torture fuzz lock docs docs-site sbom

run: .venv/run
	@$(BIN)/flask init
	@exec $(BIN)/flask serve --reload --host $(HOST) --port $(PORT)

test: .venv/dev
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# What uses a database, once more on a PostgreSQL server that the tests start themselves.
test-postgresql: .venv/dev
	TEST_STORE=postgresql $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_import_rule.py
	$(BIN)/python -m tests.audit

bench: .venv/dev
	$(BIN)/python -m bench

bench-growth: .venv/dev
	$(BIN)/python -m bench.growth

# Put deliberate faults into a copy of the code; each must fail the test that's named beside it.
sabotage: .venv/dev
	$(BIN)/python -m tests.sabotage

# make torture N=1000: kills and failures under load. It stops after MINUTES=40; the same command goes on from there.
torture: .venv/dev
	@$(BIN)/python -m tests.torture

# Draw the generated pages again from the code that they describe.
docs: .venv/dev
	$(BIN)/python -m docs.generate.order_guide
	$(BIN)/python -m docs.generate.handler_reference
	$(BIN)/python -m docs.generate.shown_files
	$(BIN)/python -m docs.generate.shops
	$(BIN)/python -c 'from receiver.settings.example import example; print(example(), end="")' > instance/config.toml.example

# Write the pages of docs/ as a static site.
docs-site: .venv/dev
	$(BIN)/python -m docs.generate.site build/docs-site
	@echo "Open build/docs-site/index.html"

# List what's deployed, with versions and hashes, in CycloneDX.
SBOM ?= build/sbom.json
sbom: .venv/dev
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file $(SBOM) requirements.txt
	@echo "Wrote $(SBOM)"

# 100,000 random and hostile requests, emails and texts, and what came of them, in a table of docs/trust.md.
fuzz: .venv/dev
	$(BIN)/python -m tests.fuzz

# Pin the newest releases of everything that pyproject.toml names.
lock: .venv/dev
	$(BIN)/pip-compile -q --upgrade --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url --generate-hashes \
		-o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --upgrade --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url --generate-hashes \
		--extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml

.venv/run: requirements.txt | .venv/bin/python
	@echo "Installing what the receiver needs into .venv ..."
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | .venv/bin/python
	@echo "Installing what the tests need into .venv ..."
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/run

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Its venv module is needed too (Debian: apt install python3-venv)"; exit 1; }
