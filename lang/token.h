/* The tokens of the grammar as the filter and the syntax errors see them; the table is token.def.
 */
#ifndef STEPWISE_TOKEN_H
#define STEPWISE_TOKEN_H

#include "parser.h"

enum token_flag { TF_STARTS = 1, TF_LABEL = 2 };

struct token_info {
  uint8_t after; /* enum lex_state */
  uint8_t flags; /* enum token_flag */
  const char *words;
};

enum { TOKEN_FIRST = 258, TOKEN_MAX = 330 };
extern const struct token_info token_table[TOKEN_MAX - TOKEN_FIRST];

static inline const struct token_info *token_info(int token) {
  return &token_table[token - TOKEN_FIRST];
}
static inline bool token_has(int token, enum token_flag flag) {
  return token >= TOKEN_FIRST && (token_info(token)->flags & flag);
}

#endif
