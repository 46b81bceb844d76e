# The grammar is generated twice: gram.c with lookahead correction (LAC), which finds an error at the
# very token and knows what would have fitted, and gram_quick.c without, a tenth faster, which reads
# first. Only a text in which the quick one met an error is read again (lang/parse.c).
lang_gen += $(GEN)/gram_quick.c
lang_obj += $(BUILD)/obj/gen/gram_quick.o
$(GEN)/gram_quick.c: lang/gram.y | deps
	@mkdir -p $(@D)
	$(call say,YACC $< (quick))
	$(Q)bison -Wall -Werror -F parse.lac=none -F api.prefix='{quick_}' -o $@ --defines=$(GEN)/gram_quick.h $<

# Times the parser alone: build/parse_bench FILE.rb [runs]
$(BUILD)/parse_bench: bench/parse_bench.c $(BUILD)/lang.a
	$(call say,LINK $@)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LANG_LIBS)
