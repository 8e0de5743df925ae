# Thin names for ./run and the tools. `make help` lists them.

.DEFAULT_GOAL := help
ARGS ?=

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up:  ## install what is missing, start everything, place real orders
	./run up $(ARGS)

.PHONY: demo
demo:  ## a flash sale
	./run demo $(ARGS)

.PHONY: status
status:  ## what runs, and where
	./run status

.PHONY: logs
logs:  ## follow the logs (ARGS=web for one program's)
	./run logs $(ARGS)

.PHONY: down
down:  ## stop everything
	./run down

.PHONY: test
test:  ## the tests (ARGS="-k locks" goes to pytest)
	./run test $(ARGS)

.PHONY: check
check:  ## formatting, types, layers, migrations, deployment settings, scripts
	./run check

.PHONY: chaos
chaos:  ## only the tests that kill workers and servers
	./run chaos $(ARGS)

.PHONY: bench
bench:  ## measure the job platform (ARGS=jobs)
	./run bench $(or $(ARGS),jobs)

.PHONY: ci
ci:  ## what CI runs
	.ci/run

.PHONY: format
format:  ## format and mend what ruff can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Needs uv: https://docs.astral.sh/uv/
UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: requirements
requirements:  ## pin the newest allowed packages with their hashes (needs uv)
	$(UV_COMPILE) --upgrade requirements.in --output-file requirements.txt
	$(UV_COMPILE) --upgrade requirements-otel.in --output-file requirements-otel.txt
	$(UV_COMPILE) --upgrade requirements-dev.in --output-file requirements-dev.txt
	$(UV_COMPILE) --upgrade requirements-bench.in --output-file requirements-bench.txt
