# The measured figures. Programs of bench/ are built here; bench/run.sh does the rest. ONLY=http measures
# some alone, tells them and leaves bench/RESULTS.md as it is.
bench_bin := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
ROUNDS ?= 7

.PHONY: bench bench-programs
bench-programs: $(bench_bin)
$(BUILD)/bench/%: bench/%.c $(BUILD)/runtime.a $(BUILD)/lang.a
	$(call say,LINK $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -rdynamic -o $@ $< $(BUILD)/runtime.a $(BUILD)/lang.a $(RUNTIME_LIBS)

bench: all bench-programs
	@tools/deps.sh test bench
	@BUILD='$(BUILD)' ROUNDS='$(ROUNDS)' bench/run.sh $(ONLY)
