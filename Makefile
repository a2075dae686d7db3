# Every target sets up what it needs; a second time it finds it and goes on.
PYTHON ?= python3
BIN := .venv/bin
PROTOS := $(shell find protos -name "*.proto" 2>/dev/null)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run test check faults bench demo demo-remove protos docs format up down call

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s '|'

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/runs: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/develops: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@ .venv/runs

run: .venv/runs ## starts everything: PostgreSQL, the three services, the gateway
	@exec $(BIN)/python -m services.standalone

test: .venv/develops ## runs all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: .venv/develops ## checks without running: format, lint, types, import rules, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf breaking protos --against protos/released.binpb
	$(BIN)/python -m pytest -q tests/architecture tests/contracts

faults: .venv/develops ## kills and storms, slower than the tests
	$(BIN)/python -m pytest tests/faults

bench: .venv/develops ## measures webhooks/s, rows/s and queries on this machine, some minutes
	$(BIN)/python -m tests.bench

demo: .venv/runs ## loads a small agency into the program that `make run` runs, to look around
	@$(BIN)/python -m demo load

demo-remove: .venv/runs ## removes that agency again
	@$(BIN)/python -m demo remove

protos: .venv/develops ## generates libs/contracts from protos/
	$(BIN)/python -m grpc_tools.protoc -Ilibs/contracts=protos/runwarden --python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet,only_async:. $(PROTOS)

docs: .venv/develops ## writes .env.example and some of docs/ from the code
	$(BIN)/python -m services.standalone.reference

format: .venv/develops ## formats the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

up: ## starts the same with Docker Compose, one container a program
	docker compose up --build --detach --wait

down: ## stops what `make up` started
	docker compose down

call: .venv/develops ## an example call by reflection: the health of ingestion
	$(BIN)/buf curl --protocol grpc --http2-prior-knowledge http://127.0.0.1:50051/grpc.health.v1.Health/Check
