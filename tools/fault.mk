# Faults: the program and C tests linked with tests/fault/fault.c, which fails, counts and kills at
# chosen writes, syncs and allocations. Only for tests; what is installed has nothing of it.
comma := ,
fault_wrap := write pwrite64 fsync fdatasync open open64 malloc calloc realloc usleep clock_gettime
fault_link := $(patsubst %,-Wl$(comma)--wrap=%,$(fault_wrap))
fault_bin := $(BUILD)/tests/stepwise-fault $(patsubst tests/fault/test_%.c,$(BUILD)/tests/fault_%.t,$(wildcard tests/fault/test_*.c))

# The doors to the C library are counted as they are, without the checks of _FORTIFY_SOURCE.
$(BUILD)/tests/fault.o: tests/fault/fault.c tests/fault/fault.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) -D_GNU_SOURCE $(filter-out -D_FORTIFY_SOURCE=2 -Wmissing-prototypes,$(ALL_CFLAGS)) -fno-builtin -c -o $@ $<
$(BUILD)/tests/stepwise-fault: $(cli_obj) $(BUILD)/obj/embed.o $(BUILD)/tests/fault.o $(BUILD)/runtime.a $(BUILD)/lang.a
	$(call say,LINK $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(fault_link) -rdynamic -o $@ $(filter %.o,$^) $(BUILD)/runtime.a $(BUILD)/lang.a $(CLI_LIBS)
$(BUILD)/tests/fault_%.t: tests/fault/test_%.c $(BUILD)/tests/fault.o $(BUILD)/runtime.a $(BUILD)/lang.a
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(fault_link) -rdynamic -MMD -MP -o $@ $< $(BUILD)/tests/fault.o \
	  $(BUILD)/runtime.a $(BUILD)/lang.a $(RUNTIME_LIBS) -lcmocka
check: $(fault_bin)
