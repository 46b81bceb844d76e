/* The grammar: LALR(1), without conflicts. What Ruby decides by context is decided before, in
 * filter.c, so the same character is several tokens here (LPAREN and LPAREN_CALL, LBRACE and
 * LBRACE_BLOCK, IF and IF_MOD, DO and DO_COMMAND). Actions only call the constructors of build.h.
 *
 * Generated twice: yyparse with lookahead correction, quick_parse without (tools/grammar.mk).
 *
 * A name followed by arguments without parentheses (a command) stands only where Ruby allows it: as a
 * statement, as what is assigned, as a condition, or as the only argument of another call. */
%code top {
#include "parser.h"
#include "build.h"
}
%code {

#undef yylex
#define yylex filter_next
#define NONE ((struct expr){0, 0})
#define NO_LIST ((struct list){0})
#define YYMAXDEPTH 20000
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
  do {                                                                                             \
    (current).start = (n) ? YYRHSLOC(rhs, 1).start : YYRHSLOC(rhs, 0).end;                         \
    (current).end = (n) ? YYRHSLOC(rhs, n).end : YYRHSLOC(rhs, 0).end;                             \
  } while (0)

static void yyerror(YYLTYPE *at, struct parser *p, const char *message);
}
%code provides {
/* Tokens stand in the same order as %token lists them; 0 is the end of the text. */
#define TOKEN_OF_KIND(kind) ((kind) == 0 ? 0 : (int)(kind) - YYSYMBOL_LITERAL + T_LITERAL)
}

%define api.pure full
%define api.value.type {union token_value}
%define api.location.type {struct token_span}
%define api.token.prefix {T_}
%define parse.error custom
%define parse.lac full
%locations
%param {struct parser *p}
%expect 0

%token LITERAL STRING STR_BEG STR_CONTENT STR_END INTERP_BEG INTERP_END
%token IDENT CONST LABEL BLOCK_PASS
%token LPAREN LPAREN_CALL RPAREN LBRACK LBRACK_INDEX RBRACK LBRACE LBRACE_BLOCK RBRACE
%token PIPE_OPEN PIPE_CLOSE COMMA DOT NEWLINE ARROW ASSIGN OP_ASSIGN
%token QUESTION COLON DOTS DOTS_OPEN OR AND BANG EQUALITY RELATION
%token PIPE AMPER ADDITIVE TIMES POWER UNARY UPLUS
%token IF UNLESS IF_MOD CASE WHEN THEN ELSE ELSIF END DO DO_COMMAND REFUSED

%right QUESTION COLON
%nonassoc DOTS DOTS_OPEN
%left OR
%left AND
%nonassoc EQUALITY
%left RELATION
%left PIPE
%left AMPER
%left ADDITIVE
%left TIMES
%precedence UNARY
%right POWER
%precedence BANG UPLUS

%%

program: body { p->tree->root = $1.expr.id; };

body: %empty { $$.expr = build_body(p, NO_LIST, @$); }
  | statements { $$.expr = build_body(p, $1.list, @$); }
  | statements NEWLINE { $$.expr = build_body(p, $1.list, @$); }
  ;

statements: statement { $$.list = list_one($1.expr); }
  | statements NEWLINE statement { $$.list = list_with(p, $1.list, $3.expr); }
  ;

statement: expr
  | command_do
  | BANG command_do { $$.expr = build_unary(p, OP_NOT, $2.expr, @$); }
  | primary ASSIGN values { $$.expr = build_assign(p, $1.expr, $3.list, @$); }
  | primary OP_ASSIGN values { $$.expr = build_opassign(p, $1.expr, $2.num, $3.list, @$); }
  | targets ASSIGN values { $$.expr = build_massign(p, $1.list, $3.list, @$); }
  | statement IF_MOD value {
      $$.expr = build_if(p, $3.expr, $1.expr, NONE, NF_MODIFIER | $2.num, @$);
    }
  | error {
      if (!p->careful || p->ended) YYABORT;
      yyerrok;
      $$.expr = build_error(p, @$);
    }
  | error block { yyerrok; $$.expr = build_error(p, @$); }
  | error DO_COMMAND block_params body END { yyerrok; $$.expr = build_error(p, @$); }
  ;

values: element_list
  | command_do { $$.list = list_one($1.expr); }
  ;

targets: target COMMA target { $$.list = list_with(p, list_one($1.expr), $3.expr); }
  | targets COMMA target { $$.list = list_with(p, $1.list, $3.expr); }
  ;
target: primary
  | LPAREN targets RPAREN { $$.expr = build_params(p, $2.list, @$); }
  ;

/* Where a value is wanted and a command may give it. */
value: expr
  | command_do
  | BANG command_do { $$.expr = build_unary(p, OP_NOT, $2.expr, @$); }
  ;

command_do: command
  | command DO_COMMAND block_params body END {
      struct expr block = build_block(p, $3.list, $4.expr, 0, (at_t){@2.start, @5.end});
      $$.expr = build_block_call(p, $1.expr, block, @$);
    }
  ;

command: IDENT command_arguments {
      $$.expr = build_call(p, NONE, 0, $1.name, $2.list, NF_COMMAND, @$);
    }
  | primary DOT IDENT command_arguments {
      $$.expr = build_call(p, $1.expr, $2.num, $3.name, $4.list, NF_COMMAND, @$);
    }
  ;
command_arguments: arguments
  | command { $$.list = list_one($1.expr); }
  ;

arguments: argument { $$.list = list_one($1.expr); }
  | arguments COMMA argument { $$.list = list_with(p, $1.list, $3.expr); }
  ;
argument: expr
  | LABEL expr { $$.expr = build_label(p, $1.name, @1, $2.expr, @$); }
  | LABEL { $$.expr = build_label(p, $1.name, @1, NONE, @$); }
  | expr ARROW expr { $$.expr = build_pair(p, $1.expr, $3.expr, @$); }
  | BLOCK_PASS
  ;

call_arguments: LPAREN_CALL RPAREN { $$.list = NO_LIST; }
  | LPAREN_CALL arguments RPAREN { $$.list = $2.list; }
  | LPAREN_CALL arguments COMMA RPAREN { $$.list = $2.list; }
  | LPAREN_CALL command RPAREN { $$.list = list_one($2.expr); }
  ;

expr: primary
  | expr QUESTION expr COLON expr {
      $$.expr = build_if(p, $1.expr, $3.expr, $5.expr, NF_TERNARY, @$);
    }
  | expr DOTS expr { $$.expr = build_range(p, $2.num, $1.expr, $3.expr, @$); }
  | expr DOTS { $$.expr = build_range(p, $2.num, $1.expr, NONE, @$); }
  | DOTS_OPEN expr { $$.expr = build_range(p, $1.num, NONE, $2.expr, @$); }
  | expr OR expr { $$.expr = build_pairwise(p, N_or, $1.expr, $3.expr, @$); }
  | expr AND expr { $$.expr = build_pairwise(p, N_and, $1.expr, $3.expr, @$); }
  | expr EQUALITY expr { $$.expr = build_binary(p, $2.num, $1.expr, $3.expr, @$); }
  | expr RELATION expr { $$.expr = build_binary(p, $2.num, $1.expr, $3.expr, @$); }
  | expr PIPE expr { $$.expr = build_binary(p, OP_UNION, $1.expr, $3.expr, @$); }
  | expr AMPER expr { $$.expr = build_binary(p, OP_INTERSECT, $1.expr, $3.expr, @$); }
  | expr ADDITIVE expr { $$.expr = build_binary(p, $2.num, $1.expr, $3.expr, @$); }
  | expr TIMES expr { $$.expr = build_binary(p, $2.num, $1.expr, $3.expr, @$); }
  | expr POWER expr { $$.expr = build_binary(p, OP_POW, $1.expr, $3.expr, @$); }
  | UNARY expr { $$.expr = build_unary(p, $1.num, $2.expr, @$); }
  | UPLUS expr { $$.expr = build_unary(p, OP_PLUS, $2.expr, @$); }
  | BANG expr { $$.expr = build_unary(p, OP_NOT, $2.expr, @$); }
  ;

primary: LITERAL
  | strings { $$.expr = build_joined(p, $1.list, @$); }
  | string
  | IDENT { $$.expr = build_name(p, $1.name, @$); }
  | CONST { $$.expr = build_const(p, $1.name, @$); }
  | call
  | IDENT block {
      $$.expr = build_block_call(p, build_name(p, $1.name, @1), $2.expr, @$);
    }
  | call block { $$.expr = build_block_call(p, $1.expr, $2.expr, @$); }
  | primary LBRACK_INDEX elements RBRACK { $$.expr = build_index(p, $1.expr, $3.list, @$); }
  | LPAREN value RPAREN { $$.expr = build_group(p, $2.expr, @$); }
  | LBRACK elements RBRACK { $$.expr = build_array(p, $2.list, @$); }
  | LBRACE pairs RBRACE { $$.expr = build_hash(p, $2.list, @$); }
  | IF value then body if_rest END { $$.expr = build_if(p, $2.expr, $4.expr, $5.expr, 0, @$); }
  | UNLESS value then body otherwise END {
      $$.expr = build_if(p, $2.expr, $4.expr, $5.expr, NF_UNLESS, @$);
    }
  | CASE subject whens otherwise END { $$.expr = build_case(p, $2.expr, $3.list, $4.expr, @$); }
  | REFUSED body END { $$.expr = build_error(p, @$); }
  ;

call: IDENT call_arguments { $$.expr = build_call(p, NONE, 0, $1.name, $2.list, NF_PARENS, @$); }
  | primary DOT IDENT {
      $$.expr = build_call(p, $1.expr, $2.num, $3.name, NO_LIST, 0, @$);
    }
  | primary DOT IDENT call_arguments {
      $$.expr = build_call(p, $1.expr, $2.num, $3.name, $4.list, NF_PARENS, @$);
    }
  ;

block: LBRACE_BLOCK block_params body RBRACE {
      $$.expr = build_block(p, $2.list, $3.expr, NF_BRACE, @$);
    }
  | DO block_params body END { $$.expr = build_block(p, $2.list, $3.expr, 0, @$); }
  ;
block_params: %empty { $$.list = NO_LIST; }
  | PIPE_OPEN params PIPE_CLOSE { $$.list = $2.list; }
  ;
params: param { $$.list = list_one($1.expr); }
  | params COMMA param { $$.list = list_with(p, $1.list, $3.expr); }
  ;
param: IDENT { $$.expr = build_param(p, $1.name, @$); }
  | LPAREN params RPAREN { $$.expr = build_params(p, $2.list, @$); }
  ;

elements: %empty { $$.list = NO_LIST; }
  | element_list
  | element_list COMMA
  ;
element_list: expr { $$.list = list_one($1.expr); }
  | element_list COMMA expr { $$.list = list_with(p, $1.list, $3.expr); }
  ;

pairs: %empty { $$.list = NO_LIST; }
  | pair_list
  | pair_list COMMA
  ;
pair_list: pair { $$.list = list_one($1.expr); }
  | pair_list COMMA pair { $$.list = list_with(p, $1.list, $3.expr); }
  ;
pair: LABEL expr { $$.expr = build_label(p, $1.name, @1, $2.expr, @$); }
  | LABEL { $$.expr = build_label(p, $1.name, @1, NONE, @$); }
  | expr ARROW expr { $$.expr = build_pair(p, $1.expr, $3.expr, @$); }
  ;

then: NEWLINE
  | THEN
  | NEWLINE THEN
  ;
if_rest: otherwise
  | ELSIF value then body if_rest { $$.expr = build_if(p, $2.expr, $4.expr, $5.expr, 0, @$); }
  ;
otherwise: %empty { $$.expr = NONE; }
  | ELSE body { $$.expr = $2.expr; }
  ;
subject: %empty { $$.expr = NONE; }
  | value
  | value NEWLINE
  ;
whens: when { $$.list = list_one($1.expr); }
  | whens when { $$.list = list_with(p, $1.list, $2.expr); }
  ;
when: WHEN element_list then body { $$.expr = build_when(p, $2.list, $4.expr, @$); };

string: STR_BEG parts STR_END { $$.expr = build_string(p, $2.list, $3.num, @$); };
strings: STRING adjacent { $$.list = list_with(p, list_one($1.expr), $2.expr); }
  | string adjacent { $$.list = list_with(p, list_one($1.expr), $2.expr); }
  | strings adjacent { $$.list = list_with(p, $1.list, $2.expr); }
  ;
adjacent: STRING
  | string
  ;
parts: %empty { $$.list = NO_LIST; }
  | parts STR_CONTENT { $$.list = list_with(p, $1.list, $2.expr); }
  | parts INTERP_BEG value INTERP_END { $$.list = list_with(p, $1.list, $3.expr); }
  ;

%%

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *p) {
  enum { EXPECTED_MAX = 60 };
  yysymbol_kind_t kinds[EXPECTED_MAX];
  int expected[EXPECTED_MAX], count = 0;
  if (!p->careful) return syntax_first(p), 0;
  count = yypcontext_expected_tokens(context, kinds, EXPECTED_MAX);
  for (int i = 0; i < count; i++) expected[i] = TOKEN_OF_KIND(kinds[i]);
  syntax_unexpected(p, TOKEN_OF_KIND(yypcontext_token(context)), *yypcontext_location(context), expected,
                    count);
  return 0;
}

/* Only "memory exhausted" comes here: the parser's stack is at YYMAXDEPTH. */
static void yyerror(YYLTYPE *at, struct parser *p, const char *message) {
  (void)message;
  syntax_too_deep(p, at->start, at->end);
}
