# The page of bindings, from the declarations and the comments above them.
#
# How prose gets there: the comment that opens a file of stdlib/ is the text of its module, as Markdown, each
# line behind `# `; fenced examples in it run like those of any page (tests/docs/examples.t). The comment
# right above a driver, an action, or a further binding is its text. `about:` of bindings, actions, drivers
# and fields goes into the tables. Groups of primitives: docs/primitives/NAME.md; primitives and their
# parameters: their tables in C. tests/docs/bindings.t fails when the page is not what this writes.
.PHONY: docs
docs: $(BUILD)/stepwise
	$(Q)$(BUILD)/stepwise doc --markdown >$(BUILD)/bindings.md && mv $(BUILD)/bindings.md docs/bindings.md
