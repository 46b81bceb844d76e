# The long sweeps: the tests of faults and of killed runs at every point they have, not at some. What
# takes a stride takes one that keeps it to minutes. `make check` runs the same tests, shorter.
.PHONY: sweep
sweep: check_one = +@$(MAKE) --no-print-directory check LIMIT=600
sweep:
	$(check_one) TESTS='tests/runtime/sweep.t tests/runtime/fanout_sweep.t tests/runtime/undo.t tests/runtime/corners.t tests/fault/journal.t tests/fault/told.t' SWEEP=1
	$(check_one) TESTS='tests/runtime/undo_sweep.t tests/runtime/children_again.t' SWEEP=4 CHILD_KILLS=40
	$(check_one) TESTS='tests/fault/memory.t' SWEEP=7
	$(check_one) TESTS='tests/journal/bytes.t' SWEEP=23
