# `make` lists the targets. Each sets up the environment it needs; PYTHON picks the interpreter (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := 0.13.9
export PATH := $(if $(filter /%,$(BIN)),,$(CURDIR)/)$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export MLFLOW_DISABLE_TELEMETRY := true
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help setup repro test test-slow lint format ui compare bench adopt mutants lock clean distclean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY) ## install the locked environment

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	$(BIN)/uv pip install --quiet --no-deps --compile-bytecode --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $(READY)

repro: $(READY) ## run the pipeline: params.yaml's profile, by default the embedded demo corpus
	dvc repro

test: $(READY) ## the quick tests
	python -m pytest

SHARD ?= 1/1
test-slow: $(READY) ## the long ones: whole pipelines, kills, browsers; SHARD=2/3 is the second third of them
	python -m pytest -m slow --splits $(notdir $(SHARD)) --group $(firstword $(subst /, ,$(SHARD))) \
	  --splitting-algorithm least_duration --durations-path tests/slow_durations.json

lint: $(READY) ## ruff, mypy, the architecture's contracts, dependencies
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	deptry .

format: $(READY) ## let ruff rewrite the code
	ruff check --fix .
	ruff format .

ui: $(READY) ## compare runs and listen, in a browser
	python -m stages.ui

compare: $(READY) ## all evaluated runs in one picture: reports/compare
	python -m stages.compare

bench: $(READY) ## time ours beside stock Keras, PyTorch and bare loops: reports/bench; SMALL=1 only shows that all run
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group bench
	for question in startup preprocess formulations grouped_conv optimizer input_pipeline memory gan_step generator_step distribution \
	  convert streaming studio cost degradations visqol published_orderings report; do \
	  python -m benchmarks.$$question || exit 1; \
	done

adopt: $(READY) ## make the newest checkpoint the default model, its evidence in reports/model, a page for all in docs/listen
	python -m stages.adopt

mutants: $(READY) ## does a test notice when a line is wrong? all of it takes hours; ONLY=mono2stereo/….py SAMPLE=50 TESTS=…
	python .ci/mutants.py $(ONLY) $(if $(TESTS),--tests $(TESTS)) $(if $(SAMPLE),--sample $(SAMPLE))

lock: $(READY) ## pin the newest versions that fit pyproject.toml
	$(BIN)/python -m uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
	echo 'tensorflow[and-cuda]' | $(BIN)/python -m uv pip compile - --constraint requirements.lock --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --upgrade \
	  | sed -n '/^nvidia-/,/[^\\]$$/p' > deploy/docker/cuda.lock

clean: ## delete what the stages made here; downloads, runs and the environment stay, and all that you put here
	rm -rf data/manifest.csv data/pairs data/finished_tracks data/raw/demo models/checkpoints models/run.json \
	  models/train.lock reports/preprocess reports/train reports/render reports/listen reports/evaluate reports/compare \
	  reports/plots .resume .evaluated build

distclean: clean ## also delete the downloads, DVC's cache, all MLflow runs and the environment
	rm -rf data/raw/musdb18hq data/raw/musdb18-sample .dvc/cache .dvc/tmp mlflow.db* .mlflow.* .mlflow-spool \
	  mlartifacts .venv
