# Everything that a developer runs. `make help` lists it; `make demo` and `make test` set up all they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOG := build/setup.log
# What benchmarks compare with, and nothing else imports.
PEERS := build/peers
# Tools that look at what is deployed, apart from all of it.
AUDIT := build/audit
TORCH := torch==2.13.0

PROMPT ?= a red circle on a blue background
TASK ?= text2img
INPUT ?= {}

export CI ?=

.PHONY: help
help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  Variables of demo: PROMPT="…" TASK=text2img or text2video INPUT='"'"'{"seed": 42}'"'"

.PHONY: demo
demo: setup ## the main job: a document becomes a picture or a film on the local stack, watched live
	@$(BIN)/python -m tools.demo --task "$$DEMO_TASK" --prompt "$$DEMO_PROMPT" --input "$$DEMO_INPUT"
# Handed over through the environment: a prompt may hold quotes.
demo: export DEMO_TASK = $(value TASK)
demo: export DEMO_PROMPT = $(value PROMPT)
demo: export DEMO_INPUT = $(value INPUT)
# make would hand these over too, after running any $(shell …) in them.
unexport PROMPT TASK INPUT
MAKEOVERRIDES =

.PHONY: test
test: setup lint ## everything that must hold: linters, types, all tests, five minutes of chaos
	$(BIN)/python -m tools.side_by_side
	$(BIN)/python -m tests.chaos --seed 1 --result build/chaos/short.json

.PHONY: chaos
chaos: setup ## break everything and show that nothing is lost: 5 minutes, or MODE=long, SEED=…
	@$(BIN)/python -m tests.chaos $(if $(filter long,$(MODE)),--long) $(if $(SEED),--seed $(SEED))

.PHONY: mutants
mutants: setup ## change the security rules in every small way and show that the tests notice; minutes
	@$(BIN)/python -m tests.rules.mutation
	@$(BIN)/python -m bench.walls

.PHONY: fuzz
fuzz: setup ## 10 000 malformed requests and damaged pictures, 1 000 malformed documents end to end: each refused in a sentence
	@$(BIN)/python -m tests.fuzz
	@$(BIN)/python -m tests.fuzz.pictures --count $(or $(COUNT),10000) --seed $(or $(SEED),1)
	@$(BIN)/python -m bench.walls

.PHONY: lint
lint: setup ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: setup ## rewrite the code in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: up
up: setup ## start emulators, a worker and the web app, whose address it prints; all addresses in build/stack.json
	@$(BIN)/python -m tools.stack up

.PHONY: down
down: ## stop what `make up` started, and nothing else
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tools.stack down; fi

.PHONY: status
status: ## what `make up` started and whether it lives
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tools.stack status || true; else echo "No stack is running."; fi

.PHONY: bundle
bundle: setup ## build the Cloud Function's deploy folder, build/trigger
	@$(BIN)/python -m tools.bundle

.PHONY: deploy
deploy: setup ## to a Google project: PROJECT=… ENV=… (infra/ENV.tfvars), DRY_RUN=1 prints every command; IMAGE=…@sha256:… MODELS=all APPROVE=1
	@$(BIN)/python -m tools.deploy deploy $(DEPLOYMENT)

.PHONY: destroy
destroy: setup ## end a deployment and keep its data: PROJECT=… ENV=… CONFIRM=(the project again), DRY_RUN=1, DATA=delete
	@$(BIN)/python -m tools.deploy destroy $(DEPLOYMENT) --confirm "$(CONFIRM)" --data "$(or $(DATA),keep)"

DEPLOYMENT = --project "$(PROJECT)" --env "$(ENV)" --image "$(IMAGE)" --models "$(or $(MODELS),none)" \
  $(if $(DRY_RUN),--dry-run) $(if $(APPROVE),--approve)

.PHONY: clients
clients: setup ## make clients/schema and the typed models in clients/ anew from the contract
	@$(BIN)/python -m tools.clients

.PHONY: bench
bench: setup ## what the work around the model costs, next to floors and peers of the same run; 10 minutes
	@$(MAKE) --silent $(PEERS)/.ready || echo "Going on without the peers of $(PEERS)." >&2
	@$(BIN)/python -m bench

.PHONY: figures
figures: setup ## measure the figures in docs/figures.md and write them there
	$(BIN)/python -m bench.first_response
	$(BIN)/python -m bench.web_app
	$(BIN)/python -m bench.start_up
	$(BIN)/python -m bench.film_encoding
	$(BIN)/python -m bench.picture_files
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m bench.chaos
	$(BIN)/python -m tests.fuzz.pictures --figures
	$(BIN)/python -m bench.input_images
	$(BIN)/python -m bench.intakes
	$(BIN)/python -m bench.fleet

.PHONY: lock
lock: setup ## make the lock files anew from requirements/*.in and tools/node/package.json
	$(BIN)/python -m tools.lock

.PHONY: audit
audit: $(AUDIT)/.ready ## known vulnerabilities of what is deployed (asks the package index), and of the tests' npm packages
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/trigger.lock -r requirements/worker.lock
	@echo "$(TORCH)" > build/torch.txt
	$(AUDIT)/bin/pip-audit --strict --disable-pip --no-deps -r build/torch.txt
	npm audit --prefix build/node --omit=dev

.PHONY: sbom
sbom: $(AUDIT)/.ready ## software bills of materials (CycloneDX) of function and worker, in build/sbom
	@mkdir -p build/sbom
	$(AUDIT)/bin/cyclonedx-py requirements requirements/trigger.lock --output-file build/sbom/trigger.json
	{ cat requirements/worker.lock; echo "$(TORCH)"; } | $(AUDIT)/bin/cyclonedx-py requirements - --output-file build/sbom/worker.json

.PHONY: clean
clean: down ## remove everything generated
	rm -rf build demo-output $(VENV)

# Set-up -----------------------------------------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.ready build/node/.ready ## install what is missing into .venv and build/node

$(VENV)/.ready: requirements/dev.lock
	@mkdir -p build
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing the Python packages into $(VENV) (about a minute, once; log: $(LOG)) …"
	@{ "$(PYTHON)" -m venv $(VENV) && \
	  $(BIN)/python -m pip install --no-input --disable-pip-version-check --no-deps --require-hashes \
	    -r requirements/dev.lock && \
	  $(BIN)/python -m pip install --no-input --disable-pip-version-check $(TORCH) && \
	  $(BIN)/python -m pip check; } >> $(LOG) 2>&1 || \
	  { tail -n 5 $(LOG) >&2; echo "Installing the Python packages failed; see $(LOG)" >&2; exit 1; }
	@touch $@

# Beside the packages of $(VENV), which it needs.
$(PEERS)/.ready: requirements/peers.lock
	@rm -rf $(PEERS)
	@mkdir -p build
	@$(BIN)/python -m pip install --no-input --disable-pip-version-check --no-deps --require-hashes \
	  --target $(PEERS) -r requirements/peers.lock >> $(LOG) 2>&1 || \
	  { tail -n 5 $(LOG) >&2; echo "Installing the benchmarks' peers failed; see $(LOG)" >&2; exit 1; }
	@touch $@

$(AUDIT)/.ready: requirements/audit.lock
	@mkdir -p build
	@{ "$(PYTHON)" -m venv $(AUDIT) && \
	  $(AUDIT)/bin/python -m pip install --no-input --disable-pip-version-check --no-deps --require-hashes \
	    -r requirements/audit.lock; } >> $(LOG) 2>&1 || \
	  { tail -n 5 $(LOG) >&2; echo "Installing the audit's tools failed; see $(LOG)" >&2; exit 1; }
	@touch $@

build/node/.ready: tools/node/package.json tools/node/package-lock.json
	@mkdir -p build/node
	@command -v node > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
	  { echo "Node 20 or newer is needed on the PATH" >&2; exit 1; }
	@echo "Installing the Firebase emulators into build/node (about two minutes, once; log: $(LOG)) …"
	@cp tools/node/package.json tools/node/package-lock.json tools/node/.npmrc build/node/
	@npm ci --prefix build/node --ignore-scripts --no-audit --no-fund >> $(LOG) 2>&1 || \
	  { tail -n 5 $(LOG) >&2; echo "Installing the npm packages failed; see $(LOG)" >&2; exit 1; }
	@touch $@
