# Stepwise: build, check, install, bench, demo. Generated files stay under build/.
#
#   make            build/stepwise
#   make demo       installs what is missing, builds, runs the spreadsheet import
#   make check      builds and passes every test
#   make check-services       the tests against real servers, which it installs
#   make MODE=asan check      the same under ASan and UBSan
#   make sweep      the tests of faults and killed runs at every point, some minutes
#   make install PREFIX=/usr/local DESTDIR=
#   make bench      the measured figures, as ratios
#   make fuzz SECONDS=20      libFuzzer on each entry point (clang)
#   make docs       docs/bindings.md, from the declarations
#   make format     applies .clang-format

MODE ?= release
CC = gcc
PREFIX ?= /usr/local
DESTDIR ?=

ifeq ($(filter $(MODE),release debug asan),)
$(error MODE is release, debug or asan, not '$(MODE)')
endif

# Release lives in build/, other modes and compilers beside it.
BUILD := build$(if $(filter-out release,$(MODE)),-$(MODE))$(if $(filter-out gcc cc,$(CC)),-$(notdir $(CC)))
GEN := $(BUILD)/gen
VERSION := $(shell cat VERSION 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Werror
CPPFLAGS += -D_GNU_SOURCE -DSTEPWISE_VERSION='"$(VERSION)"' -I$(GEN)
CFLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_debug := -O0 -fPIE
CFLAGS_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now -Wl,-O1 -Wl,--gc-sections
LDFLAGS_debug := -pie
LDFLAGS_asan := -pie -fsanitize=address,undefined
ALL_CFLAGS := -std=c11 -g $(WARN) -ffunction-sections -fdata-sections $(CFLAGS_$(MODE)) $(CFLAGS)
ALL_LDFLAGS := $(LDFLAGS_$(MODE)) $(LDFLAGS)

# Small libraries are linked statically: loading them as shared objects costs more than the
# rest of a short run (docs/architecture.md). Heavy ones are modules, opened at first use.
LANG_LIBS := -l:libpcre2-8.a
# What is linked statically stays inside: a module brings its own copy of such a library along.
RUNTIME_LIBS := -l:libsqlite3.a -l:libuv_a.a -l:libjansson.a $(LANG_LIBS) -l:libcrypto.a -lm -ldl -lpthread \
  -Wl,--exclude-libs,libsqlite3.a:libuv_a.a:libjansson.a:libpcre2-8.a:libcrypto.a
CLI_LIBS := $(RUNTIME_LIBS)

lang_src := $(wildcard lang/*.c lang/rules/*.c)
runtime_src := $(wildcard runtime/*.c runtime/primitives/*.c)
cli_src := $(wildcard cli/*.c)
stdlib_rb := $(wildcard stdlib/*.rb)
unit_src := $(wildcard tests/unit/*.c)

lang_gen := $(if $(wildcard lang/scan.l),$(GEN)/scan.c) $(if $(wildcard lang/gram.y),$(GEN)/gram.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
lang_obj := $(call obj,$(lang_src)) $(patsubst $(GEN)/%.c,$(BUILD)/obj/gen/%.o,$(lang_gen))
runtime_obj := $(call obj,$(runtime_src))
cli_obj := $(call obj,$(cli_src))

# One short line a file; V=1 shows the commands.
ifeq ($(V),1)
say =
Q =
else
say = @echo '  $(1)'
Q = @
endif

.PHONY: all build check demo install uninstall clean format bench deps FORCE
.DELETE_ON_ERROR:
.SECONDARY:
# What is asked for is built with every core there is, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

all: $(BUILD)/stepwise modules

include $(sort $(wildcard tools/*.mk))

$(BUILD)/stepwise: $(cli_obj) $(BUILD)/obj/embed.o $(BUILD)/runtime.a $(BUILD)/lang.a
	$(call say,LINK $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -rdynamic -o $@ $(filter %.o,$^) $(BUILD)/runtime.a $(BUILD)/lang.a $(CLI_LIBS)

$(BUILD)/lang.a: $(lang_obj)
	@rm -f $@
	$(call say,AR   $@)
	$(Q)ar rcs $@ $(filter %.o,$^)
$(BUILD)/runtime.a: $(runtime_obj)
	@rm -f $@
	$(call say,AR   $@)
	$(Q)ar rcs $@ $(filter %.o,$^)

# Flags are part of what an object is made of: when they change, objects are made again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | deps
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/obj/gen/%.o: $(GEN)/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) -Ilang $(ALL_CFLAGS) $(GEN_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/obj/embed.o: $(GEN)/embed.S
	$(Q)$(CC) -c -o $@ $<
$(GEN)/embed.S: docs/language.md $(stdlib_rb) $(wildcard docs/primitives/*.md) tools/embed.sh | deps
	@mkdir -p $(@D) $(BUILD)/obj
	$(Q)tools/embed.sh docs/language.md $(stdlib_rb) $(wildcard docs/primitives/*.md) >$@

# The scanner and the grammar. Objects of lang may include gram.h.
$(GEN)/scan.c: lang/scan.l | deps
	@mkdir -p $(@D)
	$(call say,FLEX $<)
	$(Q)flex -o $@ --header-file=$(GEN)/scan.h $<
$(GEN)/gram.c: lang/gram.y | deps
	@mkdir -p $(@D)
	$(call say,YACC $<)
	$(Q)bison -Wall -Werror -o $@ --defines=$(GEN)/gram.h $<
$(call obj,$(lang_src)): | $(lang_gen)
$(BUILD)/obj/gen/scan.o: | $(GEN)/gram.c

# What check and demo need besides is asked for first, so that a refusal names all of it, once.
deps: $(patsubst check,deps-test,$(patsubst demo,deps-demo,$(filter check demo,$(MAKECMDGOALS))))
	@tools/deps.sh build
deps-test:
	@tools/deps.sh build test

# Tests: compiled units under $(BUILD)/tests, scripts under tests/; all speak TAP, prove sums up.
unit_bin := $(patsubst tests/unit/%.c,$(BUILD)/tests/%.t,$(unit_src))
$(BUILD)/tests/lang_%.t: tests/unit/lang_%.c $(BUILD)/lang.a
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(BUILD)/lang.a $(LANG_LIBS) -lcmocka
$(BUILD)/tests/%.t: tests/unit/%.c $(BUILD)/runtime.a $(BUILD)/lang.a
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -rdynamic -MMD -MP -o $@ $< $(BUILD)/runtime.a $(BUILD)/lang.a $(RUNTIME_LIBS) -lcmocka

# Those that wait come first: the others fill the time.
long_tests := $(patsubst %,tests/runtime/%.t,resume approvals sweep lease undo)
# Sanitizers watch what is run: the shape of the source and of its documents is nothing to them, and what
# runs again and again what others run once is left out.
unsanitized := $(if $(filter asan,$(MODE)),tests/arch/% tests/docs/% tests/imports/docs.t tests/journal/docs.t tests/cli/doc.t \
  tests/runbooks/% tests/runtime/undo_sweep.t \
  $(filter-out %/smtp.t,$(wildcard tests/services/*.t)))
script_tests := $(filter-out $(unsanitized),$(sort $(shell find tests -name '*.t')))
TESTS ?= $(long_tests) $(unit_bin) $(filter %.t,$(fault_bin)) $(filter-out $(long_tests),$(script_tests))
check: deps-test all $(unit_bin) $(fuzz_bin)
	@STEPWISE='$(CURDIR)/$(BUILD)/stepwise' BUILD='$(CURDIR)/$(BUILD)' MODE='$(MODE)' CC='$(CC)' tools/check.sh $(TESTS)

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/stepwise' '$(DESTDIR)$(PREFIX)/share/stepwise'
	install -m 755 $(BUILD)/stepwise '$(DESTDIR)$(PREFIX)/bin/stepwise'
	$(if $(modules),install -m 755 $(modules) '$(DESTDIR)$(PREFIX)/lib/stepwise/')
	cp -R $(wildcard runbooks examples) '$(DESTDIR)$(PREFIX)/share/stepwise/'
uninstall:
	rm -rf '$(DESTDIR)$(PREFIX)/bin/stepwise' '$(DESTDIR)$(PREFIX)/lib/stepwise' '$(DESTDIR)$(PREFIX)/share/stepwise'

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')
clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
