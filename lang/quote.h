/* Strings in their many forms, heredocs, and the line ends that must pass over heredocs' bodies.
 *
 * Called by the scanner's actions. Those that return a token leave its place in start and end; `go`
 * is where scanning goes on. */
#ifndef STEPWISE_QUOTE_H
#define STEPWISE_QUOTE_H

#include "parser.h"

int quote_open(struct parser *p, enum string_kind kind, uint32_t at, uint32_t to);
int quote_close(struct parser *p, uint32_t at, uint32_t to);
int quote_plain(struct parser *p, uint32_t at, uint32_t to); /* a whole string without escapes */
int quote_single(struct parser *p, uint32_t at);             /* 'text' and :'text' */
int quote_words(struct parser *p, uint32_t at);              /* %w[ ] %i[ ] */
int quote_percent(struct parser *p, uint32_t at, bool after_name); /* at a %, whatever it means */
int quote_line(struct parser *p, uint32_t to);                     /* a line end inside a string */
int quote_unterminated(struct parser *p);
int quote_heredoc(struct parser *p, uint32_t at, bool after_name); /* at << */
int quote_heredoc_end(struct parser *p);
int quote_newline(struct parser *p, uint32_t at,
                  uint32_t to); /* T_NEWLINE, or 0 when it is a blank */
uint32_t quote_lines(struct parser *p, uint32_t at, bool *gap); /* past blank lines and comments */

/* Forms that are Ruby's and not ours: reported; return where to go on. */
uint32_t quote_backtick(struct parser *p, uint32_t at);
uint32_t quote_character(struct parser *p, uint32_t at);
void quote_hash_sign(struct parser *p, uint32_t at);

#endif
