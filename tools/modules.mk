# Heavy libraries as modules: stepwise-NAME.so, opened at first use (runtime/module.h), from
# runtime/primitives/NAME/*.c. What a module takes from the program it finds in the program.
modules := $(BUILD)/stepwise-xlsx.so $(BUILD)/stepwise-curl.so
$(BUILD)/stepwise-xlsx.so: private MODULE_LIBS := -larchive -lexpat -lm
$(BUILD)/stepwise-curl.so: private MODULE_LIBS := -lcurl

module_obj = $(call obj,$(wildcard runtime/primitives/$(1)/*.c))
.SECONDEXPANSION:
$(modules): $(BUILD)/stepwise-%.so: $$(call module_obj,$$*)
	$(call say,LINK $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(filter-out -pie,$(ALL_LDFLAGS)) -shared -o $@ $(filter %.o,$^) $(MODULE_LIBS)
# private: what makes the object does not reach its prerequisites, $(BUILD)/flags among them.
$(foreach module,xlsx curl,$(BUILD)/obj/runtime/primitives/$(module)/%.o): private ALL_CFLAGS += -fPIC -fvisibility=hidden

.PHONY: modules
modules: $(modules)

# A fuzz target that goes through a module finds it one directory up.
$(BUILD)/fuzz/xlsx: $(BUILD)/stepwise-xlsx.so
