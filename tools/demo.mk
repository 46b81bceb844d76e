# The demonstration: a spreadsheet into a real database, in a fresh directory.
.PHONY: demo deps-demo
demo: deps-demo all
	@tools/demo.sh '$(CURDIR)/$(BUILD)/stepwise' '$(BUILD)/demo'
deps-demo:
	@tools/deps.sh build demo
