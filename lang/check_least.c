/* Limits that are written out and could never be kept: a time of 0, none at once. */
#include "check.h"

#define US INT64_C(1000000)

static const struct least {
  sym word, key; /* key 0: the first argument */
  int64_t least; /* microseconds where a duration is wanted */
  const char *says;
} leasts[] = {
    {W_timeout, 0, 1, "is longer than this"},
    {W_deadline, 0, 1, "is longer than this"},
    {W_rollback, W_timeout, 1, "is longer than this"},
    {W_approve, W_within, 1, "is longer than this"},
    {W_approve, W_use_by, 1, "is longer than this"},
    {W_trigger, W_every, US, "is a second or more"},
    {W_concurrency, 0, 1, "is a number of 1 or more"},
    {W_parallel, W_at_once, 1, "is a number of 1 or more"},
    {W_each_of, W_at_once, 1, "is a number of 1 or more"},
    {W_retries, 0, 0, "is a number of 0 or more"},
    {W_rollback, W_retries, 0, "is a number of 0 or more"},
};

static double unit_of(const char *name) {
  static const struct {
    const char *name;
    double us;
  } units[] = {{"millisecond", 1e3}, {"second", 1e6},  {"minute", 60e6},
               {"hour", 3600e6},     {"day", 86400e6}, {"week", 7 * 86400e6}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t len = strlen(units[i].name);
    if (strncmp(name, units[i].name, len) == 0 && (!name[len] || strcmp(name + len, "s") == 0))
      return units[i].us;
  }
  return 0;
}

/* A number, or one with a unit of time: false when it is none. */
static bool literal_amount(const struct check *k, node_id id, double *out) {
  const struct node *n = node_at(k, id);
  if (n->kind == N_int) return *out = (double)tree_int(n), true;
  if (n->kind == N_float) return *out = tree_float(n), true;
  if (n->kind == N_unary && n->x == OP_NEG && literal_amount(k, n->a, out))
    return *out = -*out, true;
  if (n->kind != N_call || !n->a || n->c || !literal_amount(k, n->a, out)) return false;
  double unit = unit_of(name_text(k, n->b));
  return *out *= unit, unit > 0;
}

void check_leasts(struct check *k, const struct clause_args *a) {
  for (size_t i = 0; i < sizeof leasts / sizeof *leasts; i++) {
    const struct least *l = &leasts[i];
    if (l->word != a->clause->word) continue;
    node_id at = l->key ? arg_key(a, l->key) : a->pos[0];
    double have;
    if (!at || !literal_amount(k, at, &have) || have >= (double)l->least) continue;
    const char *word = name_text(k, l->word);
    struct diag *d;
    if (l->key)
      d = diag_add(k->diags, D_out_of_range, span_of(k, at), "`%s:` of `%s` %s",
                   name_text(k, l->key), word, l->says);
    else d = diag_add(k->diags, D_out_of_range, span_of(k, at), "`%s` %s", word, l->says);
    diag_help(d, "%s", a->clause->usage);
  }
}
