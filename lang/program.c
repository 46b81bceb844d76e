/* From text to a checked program: reads the file and the modules it uses, then declares, resolves
 * and checks them. Bindings are declared before drivers, and both before the runbook that calls
 * them. */
#include "check.h"
#include "way.h"

/* --- files --- */

static struct program *program_new(const struct program_host *host) {
  struct program *p = mem_zalloc(sizeof *p);
  p->syms = symtab_new();
  p->types = types_new();
  p->host = host;
  return p;
}

void program_free(struct program *p) {
  if (!p) return;
  for (size_t i = 0; i < p->file_count; i++) {
    tree_release(p->trees[i]);
    source_release(p->sources[i]);
    mem_free(p->trees[i]);
    mem_free(p->sources[i]);
  }
  mem_free(p->trees);
  mem_free(p->sources);
  types_free(p->types);
  symtab_free(p->syms);
  diags_release(&p->diags);
  arena_release(&p->arena);
  mem_free(p);
}

/* Takes what s holds. */
static enum parse_result file_add(struct program *p, struct source *s, uint32_t *file) {
  size_t cap = p->file_cap;
  p->sources = mem_grow(p->sources, p->file_count, &cap, sizeof *p->sources);
  p->trees = mem_grow(p->trees, p->file_count, &p->file_cap, sizeof *p->trees);
  struct source *source = mem_alloc(sizeof *source);
  struct tree *tree = mem_zalloc(sizeof *tree);
  *source = *s;
  *s = (struct source){0};
  *file = (uint32_t)p->file_count;
  p->sources[p->file_count] = source;
  p->trees[p->file_count++] = tree;
  return lang_parse(tree, source, *file, p->syms, &p->diags);
}

static void check_begin(struct check *k, struct program *p) {
  *k = (struct check){
      .p = p, .arena = &p->arena, .types = p->types, .syms = p->syms, .diags = &p->diags};
  k->methods = method_index_new();
}

static void check_end(struct check *k) {
  method_index_free((struct method_index *)(uintptr_t)k->methods);
  mem_free(k->told);
  mem_free(k->inputs_read);
  mem_free(k->index.at);
  mem_free(k->outputs.at);
  mem_free(k->late.at);
  mem_free(k->order.at);
  mem_free(k->step_list);
  mem_free(k->children);
  for (size_t i = 0; i < sizeof k->scratch / sizeof *k->scratch; i++)
    buf_release(&k->scratch[i]);
}

static void check_file(struct check *k, uint32_t file) {
  k->file = file;
  k->t = k->p->trees[file];
  k->place = (struct place){IN_FILE, EFFECTS_NONE, "a declaration"};
}

static node_id first_line(const struct check *k) {
  return k->t->root ? node_at(k, k->t->root)->a : 0;
}

/* --- modules --- */

static bool load_file(struct check *k, uint32_t file);

static bool is_loaded(const struct program *p, const char *name) {
  for (size_t i = 0; i < p->file_count; i++)
    if (strcmp(p->sources[i]->name, name) == 0) return true;
  return false;
}

static bool load_module(struct check *k, node_id at, const char *name) {
  struct program *p = k->p;
  struct source s = {0};
  struct error err = {0};
  uint32_t file, from = k->file;
  if (!p->host || !p->host->load_module) {
    diag_add(k->diags, D_module, span_of(k, at), "modules cannot be used here");
    return false;
  }
  if (p->host->load_module(p->host->ud, p->sources[from]->name, name, &s, &err) != OK) {
    struct diag *d = diag_add(k->diags, D_module, span_of(k, at), "%s",
                              err.message ? err.message : "no such module");
    if (err.help) diag_help(d, "%s", err.help);
    error_release(&err);
    return false;
  }
  if (is_loaded(p, s.name)) {
    source_release(&s);
    return true;
  }
  bool ok = file_add(p, &s, &file) == PARSE_OK && load_file(k, file);
  check_file(k, from);
  return ok;
}

static bool load_use(struct check *k, node_id id, enum context context) {
  struct clause_args a;
  k->place.context = context;
  check_clause(k, id, clause_find(W_use, context), &a);
  k->place.context = IN_FILE;
  node_at(k, id)->flags |= NF_CLAUSE;
  return a.ok && load_module(k, a.pos[0], text_dup(k, a.pos[0]));
}

static node_id call_block(const struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  for (node_id a = n->kind == N_call ? n->c : 0; a; a = node_at(k, a)->next)
    if (node_at(k, a)->kind == N_block) return a;
  return 0;
}

/* Loads what the file uses. False when a module could not be read: names would be missing. */
static bool load_file(struct check *k, uint32_t file) {
  bool ok = true;
  check_file(k, file);
  for (node_id s = first_line(k); s; s = node_at(k, s)->next) {
    if (is_word_call(k, s, W_use)) ok &= load_use(k, s, IN_FILE);
    if (!is_word_call(k, s, W_runbook)) continue;
    node_id block = call_block(k, s), body = block ? node_at(k, block)->b : 0;
    for (node_id c = body ? node_at(k, body)->a : 0; c; c = node_at(k, c)->next)
      if (is_word_call(k, c, W_use)) ok &= load_use(k, c, IN_RUNBOOK);
  }
  vec_push(&k->order, file);
  return ok;
}

/* --- what a page needs --- */

/* Somewhere a statement `page`: in a site the word is an argument's name only. */
static bool pages_somebody(const struct tree *t) {
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind == N_call && !n->a && n->b == W_page && n->c) return true;
  }
  return false;
}

static bool declares_binding(struct check *k, const char *name) {
  for (size_t file = 0; file < k->p->file_count; file++) {
    check_file(k, (uint32_t)file);
    for (node_id s = first_line(k); s; s = node_at(k, s)->next) {
      const struct node *n = node_at(k, s);
      if (n->kind != N_call || !is_word_call(k, s, W_binding) || !n->c) continue;
      const struct node *first = node_at(k, n->c);
      if (first->kind == N_sym && strcmp(name_text(k, first->a), name) == 0) return true;
    }
  }
  return false;
}

/* Bindings by which people are reached, for a runbook that pages and does not use them itself. Its
 * expressions do not see them, and one that cannot be had is told when it is wanted. */
static bool load_ways(struct check *k) {
  struct program *p = k->p;
  bool ok = true;
  p->hidden_from = (uint32_t)p->file_count;
  if (!p->host || !p->host->load_module || !pages_somebody(p->trees[0])) return true;
  for (int i = 0; i < WAYS; i++) {
    struct source s = {0};
    struct error err = {0};
    uint32_t file;
    if (declares_binding(k, ways[i].name)) continue;
    if (p->host->load_module(p->host->ud, p->sources[0]->name, ways[i].module, &s, &err) != OK)
      error_release(&err);
    else if (is_loaded(p, s.name)) source_release(&s);
    else ok &= file_add(p, &s, &file) == PARSE_OK && load_file(k, file);
  }
  return ok;
}

/* --- child runbooks --- */

static struct child *child_known(struct check *k, sym name) {
  uint32_t i;
  return index_get(&k->index, &k->children, name, &i) ? &k->children[i] : NULL;
}

static void report_recursion(struct check *k, node_id at, sym through) {
  struct diag *d;
  if (through)
    d = diag_add(k->diags, D_recursion, span_of(k, at), "the runbook `%s` runs this one or itself again",
                 name_text(k, through));
  else d = diag_add(k->diags, D_recursion, span_of(k, at), "a runbook cannot run itself");
  diag_help(d, "everything ends: repeat with wait_until, watch or each_of");
}

static void child_inputs(struct check *k, uint32_t file, struct child *c) {
  struct diags ignored = {0};
  struct scope scope;
  struct plan plan = {.program = k->p};
  struct unit unit;
  struct check inner = *k;
  inner.diags = &ignored;
  inner.told = NULL, inner.told_cap = 0;
  inner.inputs_read = NULL;
  memset(inner.scratch, 0, sizeof inner.scratch);
  inner.plan = &plan;
  inner.index = (struct index){0};
  check_file(&inner, file);
  inner.place.context = IN_RUNBOOK;
  scope_begin(&inner, &scope);
  for (node_id s = first_line(&inner); s; s = node_at(&inner, s)->next)
    if (is_word_call(&inner, s, W_runbook) && call_block(&inner, s)) {
      plan_inputs(&inner, node_at(&inner, call_block(&inner, s))->b);
      c->loaded = true;
      break;
    }
  scope_end(&inner, &scope, &unit);
  c->inputs = plan.inputs;
  c->input_count = plan.input_count;
  mem_free(inner.told);
  mem_free(inner.inputs_read);
  mem_free(inner.index.at);
  for (size_t i = 0; i < sizeof inner.scratch / sizeof *inner.scratch; i++)
    buf_release(&inner.scratch[i]);
  diags_release(&ignored);
}

static size_t child_load(struct check *k, sym name, uint32_t from, node_id at);

/* Runs reached through this one; true when one of them runs the runbook being checked, or itself. */
static bool reaches_itself(struct check *k, uint32_t file, node_id at) {
  const struct tree *t = k->p->trees[file];
  bool found = false;
  for (node_id id = 1; id < t->count && !found; id++) {
    const struct node *n = tree_node(t, id);
    bool runs = n->kind == N_call && !n->a && (n->b == W_run || n->b == W_start) && n->c;
    if (!runs || tree_node(t, n->c)->kind != N_str) continue;
    struct text text = tree_text(t, tree_node(t, n->c));
    sym name = sym_intern(k->syms, text.s, text.len);
    if (strcmp(name_text(k, name), k->plan->name) == 0) return true;
    const struct child *known = child_known(k, name);
    size_t child = known ? (size_t)(known - k->children) : child_load(k, name, file, at);
    found = k->children[child].open || k->children[child].recurses;
  }
  return found;
}

static void child_uses(struct check *k, uint32_t file, node_id at);

/* at: 0 when nobody is told that it cannot be read. */
static void child_module(struct check *k, uint32_t file, const char *name, node_id at) {
  struct program *p = k->p;
  struct source s = {0};
  struct error err = {0};
  uint32_t used;
  bool read = p->host->load_module(p->host->ud, p->sources[file]->name, name, &s, &err) == OK;
  if (!read && at)
    diag_add(k->diags, D_child_runbook, span_of(k, at), "%s: %s", p->sources[file]->name,
             err.message ? err.message : "a module cannot be read");
  else if (read && is_loaded(p, s.name)) source_release(&s);
  else if (read && file_add(p, &s, &used) == PARSE_OK) child_uses(k, used, at);
  error_release(&err);
}

/* Texts that the child uses: they are part of what the runbook is made of, and read no further. */
static void child_uses(struct check *k, uint32_t file, node_id at) {
  struct program *p = k->p;
  const struct tree *t = p->trees[file];
  if (!p->host->load_module) return;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind != N_call || n->a || n->b != W_use || !n->c) continue;
    if (tree_node(t, n->c)->kind != N_str) continue;
    struct text text = tree_text(t, tree_node(t, n->c));
    char *name = mem_dup(text.s, text.len);
    child_module(k, file, name, at);
    mem_free(name);
    t = p->trees[file];
  }
  if (pages_somebody(t))
    for (int i = 0; i < WAYS; i++)
      child_module(k, file, ways[i].module, 0);
}

/* The child's file and what it needs in turn; true when that comes back to where it began. */
static bool child_read(struct check *k, size_t index, uint32_t file, node_id at) {
  struct child c = k->children[index];
  child_inputs(k, file, &c);
  k->children[index] = c;
  if (!c.loaded)
    diag_add(k->diags, D_child_runbook, span_of(k, at), "%s holds no runbook",
             k->p->sources[file]->name);
  child_uses(k, file, at);
  return reaches_itself(k, file, at);
}

static size_t child_load(struct check *k, sym name, uint32_t from, node_id at) {
  struct program *p = k->p;
  struct source s = {0};
  struct error err = {0};
  uint32_t file;
  k->children = mem_grow(k->children, k->child_count, &k->child_cap, sizeof *k->children);
  size_t index = k->child_count++;
  k->children[index] = (struct child){.name = name};
  index_put(&k->index, &k->children, name, (uint32_t)index);
  if (p->host->load_runbook(p->host->ud, p->sources[from]->name, name_text(k, name), &s, &err) !=
      OK) {
    struct diag *d = diag_add(k->diags, D_child_runbook, span_of(k, at), "%s",
                              err.message ? err.message : "no such runbook");
    if (err.help) diag_help(d, "%s", err.help);
    error_release(&err);
    return index;
  }
  if (strcmp(s.name, p->sources[0]->name) == 0) {
    source_release(&s);
    k->children[index].recurses = true;
    return index;
  }
  size_t errors = k->diags->errors;
  if (file_add(p, &s, &file) != PARSE_OK || k->diags->errors != errors) return index;
  k->children[index].open = true;
  bool recurses = child_read(k, index, file, at);
  k->children[index].recurses = recurses;
  k->children[index].open = false;
  return index;
}

const struct child *child_find(struct check *k, node_id at) {
  sym name = node_literal_name(k, at);
  if (strcmp(name_text(k, name), k->plan->name) == 0) {
    report_recursion(k, at, 0);
    return NULL;
  }
  if (!k->p->host || !k->p->host->load_runbook) return NULL;
  const struct child *c = child_known(k, name);
  if (!c) {
    size_t child = child_load(k, name, k->file, at);
    c = &k->children[child];
  }
  if (c->recurses) report_recursion(k, at, name);
  return c;
}

/* --- declarations --- */

/* A file after those that it uses: what stands there stands above. */
static void declare(struct check *k, sym word, void (*fn)(struct check *, node_id)) {
  for (size_t i = 0; i < k->order.count; i++) {
    check_file(k, k->order.at[i]);
    for (node_id s = first_line(k); s; s = node_at(k, s)->next)
      if (is_word_call(k, s, word)) {
        check_file(k, k->order.at[i]);
        fn(k, s);
      }
  }
}

static void report_line(struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  sym word = n->kind == N_name ? n->a : n->kind == N_call && !n->a ? n->b : 0;
  if (word) {
    report_word(k, id, word);
    return;
  }
  diag_add(k->diags, D_wrong_place, span_of(k, id),
           "a file holds a runbook, bindings and drivers, or a site");
}

/* What else stands in the file; counts runbooks and sites. */
static void check_lines(struct check *k, uint32_t file) {
  node_id main = 0, line = 0;
  check_file(k, file);
  for (node_id s = first_line(k); s; s = node_at(k, s)->next) {
    line = s;
    bool is_main = is_word_call(k, s, W_runbook) || is_word_call(k, s, W_site);
    if (!is_main && !is_word_call(k, s, W_binding) && !is_word_call(k, s, W_driver) &&
        !is_word_call(k, s, W_use)) {
      report_line(k, s);
    } else if (is_main && file) {
      struct diag *d = diag_add(k->diags, D_wrong_file, span_call_name(k, node_at(k, s)),
                                "a module holds bindings and drivers only");
      diag_help(d, "a runbook is run by its own name: run \"name\"");
    } else if (is_main && main) {
      struct diag *d = diag_add(k->diags, D_wrong_file, span_call_name(k, node_at(k, s)),
                                "a file holds one runbook or one site");
      diag_note(d, span_call_name(k, node_at(k, main)), "the first stands here");
    } else if (is_main) {
      main = s;
    }
  }
  if (line || file) return;
  struct diag *d =
      diag_add(k->diags, D_wrong_file, (struct span){file, 0, 0}, "this file holds nothing");
  diag_help(d, "runbook \"name\" do ... end");
}

static void check_main(struct check *k) {
  check_file(k, 0);
  for (node_id s = first_line(k); s; s = node_at(k, s)->next) {
    if (is_word_call(k, s, W_runbook) && !k->p->plan) plan_build(k, s);
    if (is_word_call(k, s, W_site) && !k->p->site) decl_site(k, s);
    k->place = (struct place){IN_FILE, EFFECTS_NONE, "a declaration"};
  }
}

/* Constants of declarations are walked as expressions, which want a scope. */
static void check_program(struct check *k) {
  struct scope scope;
  struct unit unit;
  scope_begin(k, &scope);
  k->p->hidden_from = UINT32_MAX;
  bool ok = load_file(k, 0) && load_ways(k);
  size_t files = k->p->file_count;
  if (ok && !k->diags->errors) {
    for (size_t i = 0; i < files; i++)
      check_lines(k, (uint32_t)i);
    declare(k, W_binding, decl_binding);
    declare(k, W_driver, decl_driver);
    check_main(k);
  }
  scope_end(k, &scope, &unit);
}

void program_load(struct program **out, struct source *main, const struct program_host *host) {
  struct program *p = *out = program_new(host);
  uint32_t file;
  struct check k;
  if (file_add(p, main, &file) == PARSE_OK && !p->diags.errors) {
    check_begin(&k, p);
    check_program(&k);
    check_end(&k);
  }
  diags_sort(&p->diags);
}

static void check_expression(struct check *k, struct unit *unit) {
  struct scope scope;
  check_file(k, 0);
  k->place = (struct place){IN_EXPRESSION, EFFECTS_NONE, "an expression by itself"};
  scope_begin(k, &scope);
  if (k->t->root) check_body(k, k->t->root, true);
  for (size_t i = 0; i < scope.var_count; i++)
    scope.vars[i].read = true;
  *unit = (struct unit){.file = 0, .body = k->t->root};
  scope_end(k, &scope, unit);
}

bool program_load_expression(struct program **out, struct source *text,
                             const struct program_host *host, struct unit *unit, bool *incomplete) {
  struct program *p = *out = program_new(host);
  uint32_t file;
  struct check k;
  enum parse_result parsed = file_add(p, text, &file);
  if (incomplete) *incomplete = parsed == PARSE_INCOMPLETE;
  *unit = (struct unit){0};
  if (parsed == PARSE_OK && !p->diags.errors) {
    check_begin(&k, p);
    check_expression(&k, unit);
    check_end(&k);
  }
  diags_sort(&p->diags);
  return parsed == PARSE_OK && !p->diags.errors;
}

/* --- what a call calls --- */

const struct action *program_action(const struct program *p, const struct tree *t,
                                    const struct node *call) {
  if (call->kind != N_call || call->x != CALL_ACTION) return NULL;
  const struct node *receiver = tree_node(t, call->a);
  return &p->bindings[receiver->b]->actions[receiver->c];
}

const struct primitive_sig *program_primitive(const struct program *p, const struct tree *t,
                                              const struct node *call) {
  if (call->kind != N_call || call->x != CALL_PRIMITIVE) return NULL;
  return p->host->primitives[tree_node(t, call->a)->c];
}
