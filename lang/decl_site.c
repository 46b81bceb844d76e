/* The site file: roles, connections, secrets, escalation. */
#include "check.h"
#include "secret_driver.h"
#include "way.h"

static void repeated(struct check *k, node_id at, const char *what, sym name, struct span first) {
  struct diag *d = diag_add(k->diags, D_repeated_name, span_of(k, at), "%s `%s` stands twice", what,
                            name_text(k, name));
  diag_note(d, first, "it stands here first");
}

/* Contacts that are written out. The keyword of a hash may be quoted, then it is a string. */
static void check_ways(struct check *k, node_id page) {
  if (!page || node_at(k, page)->kind != N_hash) return;
  for (node_id p = node_at(k, page)->a; p; p = node_at(k, p)->next) {
    sym name = node_literal_name(k, node_at(k, p)->a);
    int near = -1;
    if (!name || way_find(name_text(k, name), &near) >= 0) continue;
    struct diag *d = diag_add(k->diags, D_unknown_choice, span_of(k, node_at(k, p)->a),
                              "nobody can be paged by `%s`", name_text(k, name));
    if (near >= 0) diag_help(d, "did you mean `%s`?", ways[near].name);
    else diag_help(d, "ways are sms, email, chat and pager");
  }
}

static void take_role(struct check *k, node_id id, const struct clause_args *a,
                      struct site_decl *s) {
  sym name = node_at(k, a->pos[0])->a;
  uint32_t first;
  check_ways(k, arg_key(a, W_page));
  if (index_get(&k->index, &s->roles, name, &first))
    repeated(k, a->pos[0], "the role", name, s->roles[first].at);
  else index_put(&k->index, &s->roles, name, (uint32_t)s->role_count);
  s->roles[s->role_count++] = (struct role_decl){.name = name,
                                                 .members = arg_key(a, W_members),
                                                 .page = arg_key(a, W_page),
                                                 .is_signed = arg_key(a, W_signed),
                                                 .keys = arg_key(a, W_keys),
                                                 .typed = arg_key(a, W_typed),
                                                 .break_glass = arg_key(a, W_break_glass),
                                                 .ack_within = arg_key(a, W_ack_within),
                                                 .at = span_of(k, id)};
}

static void take_connect(struct check *k, node_id id, const struct clause_args *a,
                         struct site_decl *s) {
  sym name = node_at(k, a->pos[0])->a;
  uint32_t first;
  if (index_get(&k->index, &s->connects, name, &first))
    repeated(k, a->pos[0], "the connection", name, s->connects[first].at);
  else index_put(&k->index, &s->connects, name, (uint32_t)s->connect_count);
  s->connects[s->connect_count++] =
      (struct connect_decl){.binding = name,
                            .driver = text_dup(k, arg_key(a, W_driver)),
                            .settings = node_at(k, id)->c,
                            .at = span_of(k, id)};
}

static void take_once(struct check *k, node_id *slot, node_id value, node_id id, const char *what) {
  if (*slot) {
    struct diag *d =
        diag_add(k->diags, D_repeated_clause, span_of(k, id), "`%s` stands twice", what);
    diag_note(d, span_of(k, *slot), "it stands here first");
  }
  *slot = value;
}

/* --- secrets --- */

static enum secret_driver_id secrets_driver(struct check *k, node_id at) {
  const char *text = text_dup(k, at);
  enum secret_driver_id id = secret_driver_find(text);
  if (id == SECRET_DRIVERS) {
    struct diag *d = diag_add(k->diags, D_unknown_choice, span_of(k, at),
                              "no driver \"%s\" for secrets", text);
    int near = name_nearest(text, secret_driver_names, SECRET_DRIVERS);
    if (near >= 0) diag_help(d, "did you mean \"%s\"?", secret_driver_names[near]);
    else diag_help(d, "there are files, env, vault and pass");
  }
  return id;
}

static void setting_unknown(struct check *k, node_id at, enum secret_driver_id id, const char *name) {
  const char *names[SECRET_SETTINGS];
  size_t n = secret_setting_names(id, names);
  struct diag *d = diag_add(k->diags, D_unknown_keyword, span_of(k, at),
                            "the driver \"%s\" of secrets has no setting `%s`",
                            secret_driver_names[id], name);
  int near = name_nearest(name, names, n);
  if (near >= 0) diag_help(d, "did you mean `%s`?", names[near]);
}

/* A secret that is needed to fetch secrets would need itself. */
static void setting_value(struct check *k, node_id at, const char *name) {
  const struct node *n = node_at(k, at);
  if (n->kind != N_call || n->a || n->b != W_secret) return;
  struct diag *d = diag_add(k->diags, D_unknown_choice, span_of(k, at),
                            "`%s` cannot be a secret itself: this is where they come from", name);
  diag_help(d, "take it from the environment, env(\"...\"), or from a file where the driver can");
}

static void check_secrets(struct check *k, node_id call, const struct clause_args *a) {
  bool given[SECRET_SETTINGS] = {false};
  enum secret_driver_id id = secrets_driver(k, arg_key(a, W_driver));
  if (id == SECRET_DRIVERS) return;
  for (node_id pair = node_at(k, call)->c; pair; pair = node_at(k, pair)->next) {
    const struct node *n = node_at(k, pair);
    if (n->kind != N_pair || node_at(k, n->a)->kind != N_sym) continue;
    const char *name = name_text(k, node_at(k, n->a)->a);
    if (node_at(k, n->a)->a == W_driver) continue;
    enum secret_setting_id setting = secret_setting_find(id, name);
    if (setting == SECRET_SETTINGS) setting_unknown(k, n->a, id, name);
    else given[setting] = true, setting_value(k, n->b, name);
  }
  for (int i = 0; i < SECRET_SETTINGS; i++)
    if (secret_settings[i].driver == id && secret_settings[i].needed && !given[i])
      diag_add(k->diags, D_missing_keyword, span_of(k, call),
               "the driver \"%s\" of secrets needs `%s:`", secret_driver_names[id],
               secret_settings[i].name);
}

static void escalation_clause(struct check *k, node_id id, const struct clause_args *a, void *ud) {
  struct site_decl *s = ud;
  (void)k;
  if (a->ok) s->severities[s->severity_count++] = id;
}

/* A role may be declared after the escalation that names it. */
static void check_paged(struct check *k, const struct site_decl *s, node_id name) {
  uint32_t i;
  const char *text = name_text(k, node_at(k, name)->a);
  if (node_at(k, name)->kind != N_sym) return;
  if (index_get(&k->index, &s->roles, node_at(k, name)->a, &i)) return;
  struct names names = {0};
  for (i = 0; i < s->role_count; i++)
    names_add(&names, name_text(k, s->roles[i].name));
  struct diag *d =
      diag_add(k->diags, D_unknown_name, span_of(k, name), "the site names no role `%s`", text);
  names_help(k, d, text, &names, "roles are");
}

static void check_severities(struct check *k, const struct site_decl *s) {
  for (size_t i = 0; i < s->severity_count; i++) {
    const struct node *call = node_at(k, s->severities[i]);
    sym name = node_at(k, call->c)->a;
    uint32_t first;
    if (index_get(&k->index, &s->severities, name, &first))
      repeated(k, call->c, "the severity", name, span_of(k, s->severities[first]));
    else index_put(&k->index, &s->severities, name, (uint32_t)i);
    for (node_id a = call->c; a; a = node_at(k, a)->next) {
      const struct node *pair = node_at(k, a);
      if (pair->kind != N_pair || node_literal_name(k, pair->a) != W_page) continue;
      bool list = node_at(k, pair->b)->kind == N_array;
      for (node_id r = list ? node_at(k, pair->b)->a : pair->b; r; r = list ? node_at(k, r)->next : 0)
        check_paged(k, s, r);
    }
  }
}

static void take_escalation(struct check *k, const struct clause_args *a, struct site_decl *s) {
  node_id body = a->block ? node_at(k, a->block)->b : 0;
  uint32_t lines = body ? list_count(k, node_at(k, body)->a) : 0;
  if (s->severity_count) return;
  s->severities = arena_alloc(k->arena, lines * sizeof *s->severities + 1);
  each_clause(k, a->block, IN_ESCALATION, escalation_clause, s);
}

static void site_clause(struct check *k, node_id id, const struct clause_args *a, void *ud) {
  struct site_decl *s = ud;
  s->roles_refused |= !a->ok && a->clause->word == W_role;
  if (!a->ok) return;
  switch (a->clause->word) {
  case W_timezone:
    take_once(k, &s->timezone, a->pos[0], id, "timezone");
    break;
  case W_journal:
    take_once(k, &s->journal, a->pos[0], id, "journal");
    break;
  case W_secrets:
    take_once(k, &s->secrets, id, id, "secrets");
    check_secrets(k, id, a);
    break;
  case W_checkpoint:
    take_once(k, &s->checkpoint, id, id, "checkpoint");
    break;
  case W_role:
    take_role(k, id, a, s);
    break;
  case W_connect:
    take_connect(k, id, a, s);
    break;
  case W_escalation:
    take_escalation(k, a, s);
    break;
  default:
    break;
  }
}

void decl_site(struct check *k, node_id call) {
  struct clause_args a;
  struct scope scope, *outer = k->scope;
  check_clause(k, call, clause_find(W_site, IN_FILE), &a);
  if (!a.ok) return;
  struct site_decl *s = arena_new(k->arena, struct site_decl);
  node_id body = node_at(k, a.block)->b;
  uint32_t lines = body ? list_count(k, node_at(k, body)->a) : 0;
  s->name = text_dup(k, a.pos[0]);
  s->roles = arena_alloc(k->arena, lines * sizeof *s->roles + 1);
  s->connects = arena_alloc(k->arena, lines * sizeof *s->connects + 1);
  scope_begin(k, &scope);
  k->place = (struct place){IN_SITE, EFFECTS_NONE, "a site"};
  each_clause(k, a.block, IN_SITE, site_clause, s);
  if (!s->roles_refused) check_severities(k, s);
  s->unit = (struct unit){.file = k->file, .body = body};
  scope_end(k, &scope, &s->unit);
  k->scope = outer;
  k->p->site = s;
}
