# Two commands matter: `make run` and `make test`. What they do is in scripts/ and iom/embedded/.
PYTHON_ENV := .venv/bin/python

.PHONY: setup run test lint bench chaos features lock

# Installs what is pinned into .venv, and the style sheets into static/vendor.
setup:
	@./run setup

# Starts everything and prints the address. PORT, IOM_HOME, IOM_DEMO, DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL.
run: export IOM_UNDER_MAKE = 1
run:
	@./run run

# Everything, the browser tests too. ARGS go to pytest: make test ARGS="-k minutes".
test:
	@./run test $(ARGS)

lint: setup
	@$(PYTHON_ENV) -m scripts.lint

# Speed beside fixed baselines, on loads up to a nation (docs/performance.md); writes bench.json. ARGS="--quick": three minutes.
bench: setup
	@$(PYTHON_ENV) -m bench $(ARGS)

# Ten minutes of people who write while everything that runs is killed (docs/chaos.md). ARGS: make chaos ARGS="--minutes 1".
chaos: setup
	@$(PYTHON_ENV) -m chaos $(ARGS)

# Every feature number that a test shows, with its tests.
features: setup
	@$(PYTHON_ENV) -m scripts.features

# Pins anew what pyproject.toml asks for; no addresses are written down.
lock: setup
	@$(PYTHON_ENV) -m scripts.lock
