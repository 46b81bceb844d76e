# The tests against real servers. `make check` runs them too, and skips, counted, those whose server is
# not installed; here servers are installed first (Debian packages, and npm ones in build/services, for
# every MODE), and one that is missing is a failure.
services := build/services

.PHONY: check-services deps-services
check-services: deps-test deps-services all
	@SERVICES=1 STEPWISE='$(CURDIR)/$(BUILD)/stepwise' BUILD='$(CURDIR)/$(BUILD)' MODE='$(MODE)' CC='$(CC)' \
	  tools/check.sh $(if $(filter file,$(origin TESTS)),$(sort $(wildcard tests/services/*.t)),$(TESTS))
deps-services: $(services)/.installed
	@tools/deps.sh services
$(services)/.installed: tests/services/package-lock.json tests/services/package.json tests/services/.npmrc
	@tools/deps.sh services
	@mkdir -p $(services)
	@cp $^ $(services)/
	$(call say,NPM  $(services)/node_modules)
	$(Q)cd $(services) && { npm ci >npm.log 2>&1 || { cat npm.log >&2; false; }; }
	@touch $@
