/* What the scanner, the token filter, the grammar and the syntax errors of one parse share.
 *
 * Text flows one way: scan.l finds raw tokens in place in the source, filter.c decides what Ruby
 * decides by context, gram.y (bison) calls the constructors of build.h. The filter alone keeps
 * lexer state: the previous token and the stack of openers. The parser never writes it, except that
 * after a syntax error synerr.c tells the filter to pass over the rest of the statement. */
#ifndef STEPWISE_PARSER_H
#define STEPWISE_PARSER_H

#include "ast.h"
#include "limits.h"

struct expr {
  node_id id;
  uint32_t depth; /* levels of nodes under and including id */
};
struct list {
  node_id head, tail;
  uint32_t depth; /* of the deepest element */
};
union token_value {
  struct expr expr;
  struct list list;
  sym name;
  uint32_t num; /* an operator, a flag, a string kind */
};
struct token_span {
  uint32_t start, end;
};

/* What may follow the token just read; see token.def. */
enum lex_state { S_OPERAND, S_OPERATOR, S_NAME, S_DOT };

enum opener_kind {
  O_NONE,
  /* closed by `end` */
  O_DO,
  O_IF,
  O_UNLESS,
  O_CASE,
  O_REFUSED, /* while, def, class ...: already reported */
  /* closed by a bracket */
  O_BLOCK, /* { of a block */
  O_HASH,
  O_PAREN,
  O_CALL, /* ( of a call */
  O_ARRAY,
  O_INDEX,
  O_INTERP, /* #{ */
  /* closed by its own end */
  O_STRING
};

enum string_kind { STR_DOUBLE, STR_SYMBOL, STR_REGEX, STR_HEREDOC, STR_SQUIGGLY };

struct opener {
  uint8_t kind, string; /* enum opener_kind, enum string_kind */
  bool indented;        /* heredoc: blanks may stand before its terminator */
  bool ended;           /* heredoc: its terminator comes next */
  bool body;            /* statements may follow now: recovery can stop here */
  bool command;         /* a command call without parentheses is open at this level */
  uint8_t params;       /* between the | | of block parameters */
  uint16_t ternaries;   /* `?` waiting for their `:` */
  uint32_t at, end;     /* the opener's text */
  uint32_t indent;      /* of its line */
  /* heredoc: the terminator's name, where to go on after it, and the outer line's pending jump */
  uint32_t name, name_len, resume, skip;
};

struct parser {
  struct tree *tree;
  struct symtab *syms;
  struct source *source;
  uint32_t file;
  struct diags *diags;
  char *text; /* the source, NUL-terminated twice; flex scans it in place */
  uint32_t length;
  void *scanner;
  bool careful; /* the second reading, of a text that has errors: they are found exactly and
                   reported */
  bool failed;  /* the first reading met an error */

  /* The token being made. */
  uint32_t start, end;
  uint32_t go;   /* scan.l's helpers: scanning goes on here */
  bool space;    /* blanks before it */
  bool negative; /* a minus belongs to the number that comes */
  union token_value value;
  /* A token made too early: it is the next one. */
  int queued;
  uint32_t queued_start, queued_end;
  union token_value queued_value;

  /* The token before it. */
  int last;
  uint32_t last_start, last_end;
  uint8_t state;
  int before; /* and the one before that */
  uint32_t before_start, before_end;

  uint32_t line_start; /* of the line being read */
  uint32_t skip;       /* at the next newline go on here: past the heredocs of this line */
  uint32_t content;    /* in a string: where the text not yet handed out began */
  struct opener stack[LIMIT_NESTING + 2];
  uint32_t depth; /* stack[depth] is the innermost; stack[0] is the file */

  /* An `end` that stands further left than the line of what it closes: that one is likely open. */
  struct opener suspect;
  bool has_suspect;
  uint32_t stray_end; /* an `end` further right than its opener; 0 = none */

  /* Recovery. */
  bool closed;      /* the last token closed a block or an if */
  bool last_popped; /* it closed something */
  bool skipping;    /* pass over tokens until the statement's end at stack depth skip_level */
  uint32_t skip_level;
  uint32_t skip_indent;
  uint32_t statement_indent; /* of the line in which the last line end that counted was followed */
  uint32_t header;     /* depth of a refused `while ...` whose first line is being passed over */
  bool ended;          /* the end of the text was handed out */
  bool fatal;          /* nothing more can be read */
  bool told;           /* the scanner or filter reported something in this statement */
  bool ends_line;      /* the token just made may end its line, though a value could follow */
  uint32_t hard, soft; /* errors; soft: the text merely stops too early */

  /* leftout.c: for each sym, is it Ruby's (enum mark)? And the nodes that bear such a name. */
  uint8_t *marks;
  uint32_t mark_count;
  node_id *suspects;
  size_t suspect_count, suspect_cap;
  bool saw_spaced; /* a name, a blank and a [ : see leftout_check */
};

/* scan.l */
int scan_raw(struct parser *p, void *scanner);
void scan_start(struct parser *p, uint32_t at);
void scan_stop(struct parser *p);
uint32_t scan_at(const struct parser *p);      /* offset of the next byte */
void scan_jump(struct parser *p, uint32_t at); /* go on there */

/* filter.c */
int filter_next(union token_value *value, struct token_span *at, struct parser *p);
bool opener_push(struct parser *p, enum opener_kind kind);
int token_next(struct parser *p); /* 0 at the end */
uint32_t line_indent(const struct parser *p);

/* recover.c: after a syntax error at `token` the rest of its statement is passed over. */
void recover_start(struct parser *p, int token);
int recover_next(struct parser *p);

static inline struct opener *opener_top(struct parser *p) {
  return &p->stack[p->depth];
}

/* gram.y */
int yyparse(struct parser *p);
int quick_parse(struct parser *p);

/* synerr.c: every syntax diagnostic goes through these, so that one parse counts them. */
struct diag *syntax_error(struct parser *p, enum diag_code code, uint32_t start, uint32_t end,
                          const char *fmt, ...) like_printf(5, 6);
void syntax_unexpected(struct parser *p, int token, struct token_span at, const int *expected,
                       int count);
void syntax_first(struct parser *p); /* an error in the first, quick reading: read again */
void syntax_too_deep(struct parser *p, uint32_t start, uint32_t end);

/* leftout.c: words that are Ruby's and not ours. */
void leftout_check(struct parser *p);

#endif
