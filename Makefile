# Everything runs in .venv. The first target that needs it sets it up, with the Python that
# tools/python.sh finds or PYTHON names: make build PYTHON=python3.12
# DBT names another dbt than the pinned one: make build DBT=/path/to/dbt

BIN := .venv/bin
INSTALLED := $(BIN)/.installed
WAREHOUSE := $(BIN)/python -m warehouse
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
UV_LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --no-strip-extras --quiet
UV_COMPILE := $(UV_LOCK) pyproject.toml
# Superset and dbt need different versions of the same packages.
CLIENTS := .venv-clients/bin
# An environment without its Python is set up again, with everything in it.
$(shell test -x $(BIN)/python || rm -f $(INSTALLED)-*)

.DEFAULT_GOAL := help
.NOTPARALLEL:  # since targets install into .venv
.PHONY: help build history review export diff test browser-test dbt2 lint docs bench spark-up spark-build spark-down spark-test clients superset clean lock

help:  ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /make \1|/p' Makefile | awk -F'|' '{ printf "%-13s %s\n", $$1, $$2 }'

build: $(INSTALLED)-$(if $(DBT),own,base)  ## build, test and publish warehouse.duckdb from the JSON, or FROM=a landing folder; ARGS go to dbt; HISTORY=no leaves the history alone
	@$(WAREHOUSE) build $(if $(FROM),--from "$(FROM)") $(ARGS)

history: $(INSTALLED)-own  ## list the exports seen; ARGS="changes 2" shows what one changed, ARGS="take-out 2" takes it out
	@$(WAREHOUSE) history $(ARGS)

review: $(INSTALLED)-own  ## write review.html from the published marts; make build does too
	@$(WAREHOUSE) review

export: $(INSTALLED)-own  ## write the published marts to export/, as Parquet and CSV; ARGS names another folder
	@$(WAREHOUSE) export $(ARGS)

diff: $(INSTALLED)-$(if $(DBT),own,base)  ## compare the published marts with BASE, a commit (which is built) or a published file: make diff BASE=main
	@$(WAREHOUSE) diff $(ARGS) "$(BASE)" $(if $(HEAD),"$(HEAD)")

test: $(INSTALLED)-dev $(INSTALLED)-dbt2  ## run every test; ARGS=--whole runs the long suites at full length
	@$(BIN)/pytest --numprocesses auto --ignore tests/python/browser --ignore tests/python/spark $(ARGS)

browser-test: $(INSTALLED)-dev  ## open the review and the lineage in Chromium, and compare them with the marts
	@$(BIN)/pytest tests/python/browser $(ARGS)

dbt2: $(INSTALLED)-dbt2  ## set up dbt 2 as .venv/bin/dbt2, on Linux x86-64; make test does too
	@test -x $(BIN)/dbt2

lint: $(INSTALLED)-dev  ## check Python, YAML and SQL
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	$(BIN)/sqlfluff lint --processes 2 analyses models tests/contract

docs: $(INSTALLED)-dev  ## write dbt's static docs page, the lineage of every column, and docs/data_dictionary.md
	@$(BIN)/dbt --quiet docs generate --static
	@$(BIN)/colibri generate --light --disable-telemetry --output-dir target/lineage >/dev/null
	@$(BIN)/python tools/data_dictionary.py
	@echo "target/static_index.html, target/lineage/index.html, docs/data_dictionary.md"

bench: $(INSTALLED)-bench $(INSTALLED)-dbt2  ## measure speed and memory; ARGS=--help lists the choices; see benchmarks/README.md
	@$(BIN)/python benchmarks/bench.py $(ARGS)

spark-up: $(INSTALLED)-spark  ## start a Spark cluster on this machine; ARGS=--help lists the sizes
	@$(BIN)/python tools/spark_cluster.py up $(ARGS)

spark-build: $(INSTALLED)-spark  ## build and test on Spark, from the JSON or FROM=a landing folder; ARGS go to dbt
	@$(WAREHOUSE) spark $(if $(FROM),--from "$(FROM)") $(ARGS)

spark-down: $(INSTALLED)-spark  ## stop the cluster that make spark-up started
	@$(BIN)/python tools/spark_cluster.py down

spark-test: $(INSTALLED)-dev $(INSTALLED)-spark  ## build on DuckDB and on Spark, and compare
	@$(BIN)/pytest --numprocesses auto tests/python/spark $(ARGS)

clients: $(CLIENTS)/.installed  ## let ibis, Harlequin and Superset read warehouse.duckdb; see docs/bi.md
	@$(CLIENTS)/pytest --override-ini addopts='-q --strict-markers' tests/clients $(ARGS)

superset: $(if $(AT),$(INSTALLED)-own,$(CLIENTS)/.installed)  ## open the dashboard in a Superset on this machine, or put it into yours: AT=address; see docs/bi.md
	@$(if $(AT),$(BIN),$(CLIENTS))/python tools/dashboard.py $(if $(AT),--at "$(AT)") $(if $(FILE),--file "$(FILE)") $(if $(PORT),--port $(PORT))

clean:  ## remove the files of a build, but not warehouse.duckdb
	rm -rf target logs build/*

lock: | $(BIN)/python  ## pin the requirements of pyproject.toml and requirements/dbt2/package.json, after a change in them
	$(INSTALL) --require-hashes -r requirements/uv.lock
	$(UV_COMPILE) --group dev --output-file requirements/dev.lock
	$(UV_COMPILE) --constraint requirements/dev.lock --output-file requirements/own.lock
	$(UV_COMPILE) --constraint requirements/dev.lock --group dbt --output-file requirements/base.lock
	$(UV_COMPILE) --constraint requirements/dev.lock --group bench --output-file requirements/bench.lock
	$(UV_COMPILE) --constraint requirements/dev.lock --group spark --output-file requirements/spark.lock
	$(UV_LOCK) --group clients --output-file requirements/clients.lock
	$(UV_LOCK) --group dbt2 --output-file requirements/dbt2.lock
	$(UV_LOCK) --group uv --output-file requirements/uv.lock
	npm install --prefix requirements/dbt2 --package-lock-only --omit-lockfile-registry-resolved

# base.lock contains own.lock, and each of the others contains base.lock.
$(INSTALLED)-own $(INSTALLED)-base $(INSTALLED)-dev $(INSTALLED)-bench $(INSTALLED)-spark: $(INSTALLED)-%: requirements/%.lock
	@tools/python.sh $*
	@echo "Installing what $< pins into .venv."
	@$(INSTALL) --no-deps --require-hashes -r $<
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)-own $(if $(filter own,$*),,$(INSTALLED)-base) $@

# Where dbt 2 is not available this is no error; the script prints the reason.
$(INSTALLED)-dbt2: requirements/dbt2.lock requirements/dbt2/package-lock.json tools/dbt2.sh
	@if tools/dbt2.sh; then touch $@; fi

$(CLIENTS)/.installed: requirements/clients.lock | $(BIN)/python
	@echo "Installing what $< pins into .venv-clients."
	@$(BIN)/python -m venv --clear .venv-clients
	@$(CLIENTS)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(BIN)/python:
	@tools/python.sh own
