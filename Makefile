# `make run` and `make test` do all the set-up on a fresh machine; the README says more.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check bench soak gallery system clean

PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
# The same packages as in app/doctor.py.
PACKAGES := libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 \
	libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libdbus-1-3 libfontconfig1 xvfb
SAMPLE ?= sample:volumes.mni152 sample:scans.fsaverage5
PICTURE := out/equiscope.png

help:
	@echo "make run     open the window on a bundled brain and cortex (without a display: render it to $(PICTURE))"
	@echo "make test    format, lint, types, import contracts and all tests"
	@echo "make check   the same without the tests"
	@echo "make bench   benchmarks against the peers, as ratios"
	@echo "make soak    the long tests"
	@echo "make gallery the README's pictures"

run: $(VENV)/.installed | system
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		$(PY) -m app $(SAMPLE); \
	else \
		mkdir -p out && $(PY) -m app $(SAMPLE) --screenshot $(PICTURE) && \
		echo "There is no display here; the window is rendered to $(CURDIR)/$(PICTURE)"; \
	fi

test: check
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -n 2 --dist loadfile -m "not gl and not soak"
	@echo "The window in a real X server:"
	QT_QPA_PLATFORM=xcb EQUISCOPE_VIEWPORT=gl xvfb-run -a -s "-screen 0 1600x1200x24" $(PY) -m pytest -m "gl and not soak"

check: $(VENV)/.installed | system
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.installed | system
	$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(PY) -m tests.benchmarks

soak: $(VENV)/.installed | system
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -m soak

gallery: $(VENV)/.installed | system
	QT_QPA_PLATFORM=offscreen $(PY) -m tests.gallery tests/gallery/pictures

$(VENV)/.installed: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv; \
		else \
			echo "Python 3.11 or later with venv is missing. On Debian or Ubuntu:"; \
			echo "  sudo apt-get install python3 python3-venv"; exit 1; \
		fi; \
	fi
	@python=$(PYTHON); python=$${python:-python3}; \
	if ! $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "$$($$python -V) is too old; install Python 3.11 or later, or name one: make PYTHON=/path/to/python3.11"; exit 1; \
	fi; \
	$$python -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt torch
	$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[samples,test,cluster]'
	@touch $@

# Qt and VTK load these at run time. As root they are installed; otherwise the line to type is printed.
system:
	@if command -v dpkg-query >/dev/null; then \
		missing=""; \
		for p in $(PACKAGES); do \
			dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
		done; \
		if [ -n "$$missing" ]; then \
			if [ "$$(id -u)" = 0 ]; then \
				echo "Installing$$missing"; \
				apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
			else \
				echo "These system packages are missing; type this once, then try again:"; \
				echo "  sudo apt-get install --no-install-recommends$$missing"; exit 1; \
			fi; \
		fi; \
	fi

clean:
	rm -rf $(VENV) out build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
