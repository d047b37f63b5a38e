# make demo and make test do all the set-up they need. PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Of the tens of thousands of modules that come with torch and the tests' tools most are never imported: what is
# imported is compiled then.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# Where this is set, every process would compile torch, and all else that it imports, anew: seven seconds each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test programs check format clean

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
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.python
	@echo "Installing loocbench and what the tests need into $(VENV) (torch is large: minutes on the first time)"
	$(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/loocbench demo

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPY_NUM_WORKERS=2 $(BIN)/mypy

# The HTML report is tested in a real browser, jobs through Slurm on a real one of this machine; without them those
# tests are skipped and say so.
programs:
	@wanted=; \
	command -v slurmctld >/dev/null || wanted="slurm-wlm munge"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		command -v google-chrome-stable >/dev/null || wanted="$$wanted chromium"; \
	if [ -n "$$wanted" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing for the tests: $$wanted"; \
		apt-get update -qq >/dev/null 2>&1; \
		for package in $$wanted; do \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$package >/dev/null 2>&1 || \
				echo "$$package could not be installed: the tests that need it are skipped"; \
		done; \
	fi

# One process more than there are cores: the tests of clusters mostly wait. With two more the whole took longer.
test:
	$(MAKE) --jobs=2 $(VENV)/.installed-dev programs
	$(MAKE) check
	$(BIN)/pytest --numprocesses $$($(BIN)/python -c "import os; print(min(4, os.cpu_count() + 1))") --dist loadgroup

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
