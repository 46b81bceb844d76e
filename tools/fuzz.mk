# Fuzzing: tests/fuzz/fuzz_NAME.c with its small corpus tests/fuzz/corpus/NAME/.
# `make check` runs each corpus through a plain driver; `make fuzz SECONDS=20` lets libFuzzer work on
# each target for that long, in build-fuzz, and keeps what it finds there.
SECONDS ?= 20
fuzz_bin := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN ?= tests/fuzz/main.c

.PHONY: fuzz fuzz-targets
fuzz-targets: $(fuzz_bin)
$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(FUZZ_MAIN) $(BUILD)/runtime.a $(BUILD)/lang.a
	$(call say,LINK $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -rdynamic -o $@ $< $(FUZZ_MAIN) \
	  $(BUILD)/runtime.a $(BUILD)/lang.a $(RUNTIME_LIBS)

fuzz:
	@tools/has-fuzzer.sh || { echo "make fuzz: needs clang with libFuzzer: apt-get install clang libclang-rt-14-dev" >&2; exit 1; }
	@$(MAKE) --no-print-directory MODE=asan CC=clang BUILD=build-fuzz CFLAGS=-fsanitize=fuzzer-no-link \
	  FUZZ_MAIN= FUZZ_LDFLAGS=-fsanitize=fuzzer fuzz-targets
	@tests/fuzz/run.sh build-fuzz/fuzz $(SECONDS)
