# Heavy libraries as modules: stepwise-NAME.so, opened at first use. Each line: name, sources, libraries.
modules :=
.PHONY: modules
modules:
