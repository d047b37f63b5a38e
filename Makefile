# make demo and make test do all the set-up they need. PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test browser slurm check format clean

help:
	@echo "make demo    pretrain on the embedded flowers, measure, compare"
	@echo "make test    ruff, mypy and every test"
	@echo "make check   ruff and mypy alone"
	@echo "make format  let ruff mend what it can"
	@echo "make clean   remove the virtual environment and all caches"

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.python
	@echo "Installing loocbench into $(VENV) (torch is large: minutes on the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/loocbench demo

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPY_NUM_WORKERS=2 $(BIN)/mypy

# The HTML report is tested in a real browser; without one those tests are skipped and say so.
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the tests of the HTML report"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) \
			>/dev/null 2>&1 || echo "Chromium could not be installed: the tests that need it are skipped"; \
	fi

# Jobs through Slurm are tested on a real one of this machine; without it those tests are skipped and say so.
slurm:
	@if ! command -v slurmctld >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Slurm for the tests of jobs on clusters"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			slurm-wlm munge) >/dev/null 2>&1 || echo "Slurm could not be installed: the tests that need it are skipped"; \
	fi

test: check browser slurm
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
