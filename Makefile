# Python for a new .venv: the first of these that is 3.10 to 3.13. Override with make PYTHON=...
PYTHON ?= $(shell for python in python3.11 python3.12 python3.10 python3.13 python3; do \
    $$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)
ifeq ($(strip $(PYTHON)),)
  $(error Python 3.10 to 3.13 is needed and none is on PATH. Install one, for instance with "sudo apt-get install python3 python3-venv python3-dev", or name it: make PYTHON=/path/to/python3.11)
endif
RUN := $(PYTHON) tools/setup_env.py

ROOMS := $(filter-out test/system test/__pycache__,$(patsubst %/,%,$(wildcard test/*/)))
# Whole systems that other work beside them cannot disturb: they play the clock themselves, or simulated time waits for them.
# First, since they are the longest and the two processes then end together.
UNHURRIED := $(addprefix test/system/test_,fault_matrix.py demo_interrupted.py robot_trials.py planning.py \
    remote_policy.py full_rviz_session.py lock_step.py policy_sync.py bad_arguments.py fuzz_supervisor.py \
    launch_and_parameters.py)

.PHONY: help demo test bench coverage mutation docs setup clean

help:
	@echo 'make demo      one supervised episode in the simulator: recorded, judged, with report and video'
	@echo 'make test      all tests: the rooms, then whole systems of processes, one at a time'
	@echo 'make bench     every benchmark, each against its named baseline'
	@echo 'make coverage  branches of the safety core that its tests take: 95 % at least, the state machine all'
	@echo 'make mutation  how many small errors in the safety core its tests notice: 90 % at least; takes hours'
	@echo 'make docs      write the generated pages of docs/: parameters, causes, safety configuration'
	@echo 'make setup     only create or renew .venv (the targets above do so when needed)'
	@echo 'make clean     remove .venv and everything that was built'

demo:
	@$(RUN) cosmos-policy-ros demo

test:
	@$(RUN) pytest $(UNHURRIED) $(ROOMS) --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 20; rooms=$$?; \
	$(RUN) pytest test/system $(addprefix --ignore=,$(UNHURRIED)) --durations 20 && exit $$rooms

bench:
	@set -e; for benchmark in benchmarks/bench_*.py; do $(RUN) python $$benchmark; done

coverage:
	@$(RUN) coverage run -m pytest -q test/safety
	@$(RUN) coverage report --fail-under=95
	@$(RUN) coverage report --fail-under=100 --include='*/safety/state.py'

mutation:
	@$(RUN) python benchmarks/mutation.py

docs:
	@$(RUN) python docs/generate.py

setup:
	@$(RUN)

clean:
	rm -rf .venv build install log dist *.egg-info cosmos_policy_ros/msg cosmos_policy_ros/srv cosmos_policy_ros/action cosmos_policy_ros/*.so
