/* Opening a site: its clauses evaluated, each mistake told with its place in the file. */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../lang/way.h"
#include "clock.h"
#include "secret_store.h"
#include "eval.h"
#include "site_inner.h"
#include "text.h"

/* The person sees another program's text: the place goes into the message. */
enum status site_fail(const struct site *s, struct span at, struct error *err) {
  struct buf b = BUF_INIT;
  uint32_t line, col;
  char *help = err->help ? mem_strdup(err->help) : NULL;
  if (err->has_at) at = err->at;
  source_line_col(s->program->sources[0], at.start, &line, &col);
  buf_addf(&b, "%s:%u:%u: %s", s->program->sources[0]->name, line, col, err->message);
  error_set(err, err->status, "%s", buf_str(&b));
  if (help) error_help(err, "%s", help);
  err->has_at = false;
  mem_free(help);
  buf_release(&b);
  return err->status;
}

static const char *text_of(const struct site *s, sym name) {
  return sym_text(s->program->syms, name);
}

/* A path as the site means it: from its own directory. */
char *site_path_of(const struct site *s, const char *path) {
  const char *slash = strrchr(s->file, '/');
  struct buf b = BUF_INIT;
  if (*path != '/' && slash) buf_add(&b, s->file, (size_t)(slash - s->file) + 1);
  buf_adds(&b, path);
  return buf_take(&b);
}

/* --- values of clauses --- */

static struct span span_at(const struct site *s, node_id n) {
  return tree_span(s->program->trees[0], n);
}

enum status site_value(const struct site *s, node_id n, value *out, struct error *err) {
  struct eval e;
  struct error inner = {0};
  eval_init(&e, s->program, &s->program->site->unit, &site_hooks, (void *)(uintptr_t)s, &inner);
  enum status status = eval_node(&e, n, out);
  eval_release(&e);
  if (status == OK) return OK;
  inner.status = status;
  error_move(err, &inner);
  return site_fail(s, span_at(s, n), err);
}

static enum status wrong(const struct site *s, node_id n, const char *want, struct error *err) {
  error_set(err, ERR_TYPE, "%s is wanted here", want);
  return site_fail(s, span_at(s, n), err);
}

static enum status text_value(const struct site *s, node_id n, char **out, struct error *err) {
  value v;
  if (!n) return OK;
  enum status status = site_value(s, n, &v, err);
  if (status != OK) return status;
  if (!value_is_text(v)) status = wrong(s, n, "a text", err);
  else *out = mem_dup(value_text(v, s->program->syms).s, value_text(v, s->program->syms).len);
  value_unref(v);
  if (status == OK && !**out) return wrong(s, n, "a text that is not empty", err);
  return status;
}

static enum status path_value(const struct site *s, node_id n, char **out, struct error *err) {
  char *text = NULL;
  enum status status = text_value(s, n, &text, err);
  if (status == OK && text) *out = site_path_of(s, text);
  mem_free(text);
  return status;
}

static enum status texts_value(const struct site *s, node_id n, char ***out, size_t *count,
                               struct error *err) {
  value v;
  enum status status = site_value(s, n, &v, err);
  if (status != OK) return status;
  const struct list *l = v.tag == V_ARRAY ? value_array(v) : NULL;
  *out = mem_array(l ? l->count + 1 : 1, sizeof **out);
  for (size_t i = 0; l && status == OK && i < l->count; i++) {
    struct text t = {0};
    if (value_is_text(l->items[i])) t = value_text(l->items[i], s->program->syms);
    if (!t.len) status = wrong(s, n, "a list of names", err);
    else (*out)[(*count)++] = mem_dup(t.s, t.len);
  }
  if (!l) status = wrong(s, n, "a list of names", err);
  value_unref(v);
  return status;
}

/* --- roles --- */

/* The place of a hash's value; that of all of it where it is not written out. */
static struct span member_at(const struct site *s, node_id hash, size_t index, size_t count) {
  const struct tree *t = s->program->trees[0];
  node_id first = tree_node(t, hash)->kind == N_hash ? tree_node(t, hash)->a : 0, at = 0;
  size_t n = 0;
  for (node_id p = first; p; p = tree_node(t, p)->next)
    if (n++ == index && tree_node(t, p)->kind == N_pair) at = tree_node(t, p)->b;
  return span_at(s, at && n == count ? at : hash);
}

static enum status role_contacts(struct site *s, struct site_role *r, node_id n,
                                 struct error *err) {
  value v;
  enum status status = site_value(s, n, &v, err);
  if (status != OK) return status;
  if (v.tag != V_HASH) {
    value_unref(v);
    return wrong(s, n, "a hash, as in { sms: \"+15005550006\" },", err);
  }
  const struct dict *d = value_dict(v);
  r->contacts = mem_array(dict_count(d) + 1, sizeof *r->contacts);
  for (size_t i = 0; i < dict_count(d); i++) {
    value key, to;
    struct buf way = BUF_INIT, where = BUF_INIT;
    dict_at(d, i, &key, &to);
    value_to_s(key, s->program->syms, &way);
    if (to.tag != V_BOOL || !to.u.b) value_to_s(to, s->program->syms, &where);
    r->contacts[r->contact_count++] =
        (struct site_contact){buf_take(&way), where.len ? buf_take(&where) : NULL,
                              member_at(s, n, i, dict_count(d))};
  }
  value_unref(v);
  return OK;
}

static bool is_true(const struct site *s, node_id n) {
  return n && tree_node(s->program->trees[0], n)->kind == N_true;
}

static enum status role_problem(const struct site *s, const struct site_role *r, struct error *err,
                                const char *fmt, ...) like_printf(4, 5);
static enum status role_problem(const struct site *s, const struct site_role *r, struct error *err,
                                const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  error_set(err, ERR_CHECK, "role :%s %s", r->name, buf_str(&b));
  buf_release(&b);
  return site_fail(s, r->at, err);
}

/* One person is one member, however the name is written; "ana@host" is no account's name. */
static enum status members_check(const struct site *s, const struct site_role *r,
                                 struct error *err) {
  if (!r->member_count)
    return role_problem(s, r, err, "has no members: nobody could approve, and that is never anybody");
  for (size_t i = 0; i < r->member_count; i++) {
    if (strpbrk(r->members[i], "@ \t\r\n,*?!"))
      return role_problem(s, r, err, "lists '%s', which is no name of an account", r->members[i]);
    for (size_t k = 0; k < i; k++)
      if (strcasecmp(r->members[i], r->members[k]) == 0)
        return role_problem(s, r, err, "lists %s twice", r->members[i]);
  }
  return OK;
}

/* Ways that were not written out are known only now. */
static enum status ways_check(const struct site *s, const struct site_role *r, struct error *err) {
  for (size_t i = 0; i < r->contact_count; i++) {
    const struct site_contact *c = &r->contacts[i];
    int way = way_find(c->way, NULL);
    if (way < 0)
      return role_problem(s, r, err, "cannot be paged by %s: ways are sms, email, chat and pager", c->way);
    if (!c->to && (way == WAY_sms || way == WAY_email))
      return role_problem(s, r, err, "is to be paged by %s, and it is not said where", c->way);
  }
  return OK;
}

static enum status role_check(const struct site *s, const struct site_role *r, struct error *err) {
  enum status status = members_check(s, r, err);
  if (status == OK) status = ways_check(s, r, err);
  if (status != OK) return status;
  if (r->is_signed && !r->keys)
    return role_problem(s, r, err, "is signed and needs keys: the path of its allowed_signers file");
  if (r->is_signed && r->typed)
    return role_problem(s, r, err, "cannot be both signed and typed: a typed name signs nothing");
  if (r->break_glass && !site_role(s, r->break_glass))
    return role_problem(s, r, err, "names :%s to be paged, and there is no such role",
                        r->break_glass);
  if (r->break_glass && strcmp(r->break_glass, r->name) == 0)
    return role_problem(s, r, err, "must page another role than itself when glass is broken");
  return OK;
}

static enum status duration_value(const struct site *s, node_id n, int64_t *out,
                                  struct error *err) {
  value v;
  if (!n) return OK;
  enum status status = site_value(s, n, &v, err);
  if (status == OK && v.tag == V_DURATION && v.u.i > 0) *out = v.u.i;
  else if (status == OK) value_unref(v), status = wrong(s, n, "a duration above zero", err);
  return status;
}

static enum status role_open(struct site *s, const struct role_decl *d, struct site_role *r,
                             struct error *err) {
  const struct tree *t = s->program->trees[0];
  *r = (struct site_role){.name = text_of(s, d->name),
                          .is_signed = is_true(s, d->is_signed),
                          .typed = is_true(s, d->typed),
                          .at = d->at};
  if (d->break_glass) r->break_glass = text_of(s, tree_node(t, d->break_glass)->a);
  enum status status = texts_value(s, d->members, &r->members, &r->member_count, err);
  if (status == OK && d->page) status = role_contacts(s, r, d->page, err);
  if (status == OK) status = path_value(s, d->keys, &r->keys, err);
  return status == OK ? duration_value(s, d->ack_within, &r->ack_within, err) : status;
}

static enum status roles_open(struct site *s, const struct site_decl *d, struct error *err) {
  enum status status = OK;
  s->roles = mem_array(d->role_count + 1, sizeof *s->roles);
  for (size_t i = 0; status == OK && i < d->role_count; i++)
    status = role_open(s, &d->roles[i], &s->roles[s->role_count++], err);
  for (size_t i = 0; status == OK && i < s->role_count; i++)
    status = role_check(s, &s->roles[i], err);
  return status;
}

/* --- the other clauses --- */

static void connections_open(struct site *s, const struct site_decl *d) {
  const struct tree *t = s->program->trees[0];
  s->connections = mem_array(d->connect_count + 1, sizeof *s->connections);
  for (size_t i = 0; i < d->connect_count; i++) {
    struct site_connection *c = &s->connections[s->connection_count++];
    const struct connect_decl *from = &d->connects[i];
    size_t n = 0;
    *c = (struct site_connection){
        .binding = text_of(s, from->binding), .driver = from->driver, .at = from->at};
    for (node_id a = from->settings; a; a = tree_node(t, a)->next)
      n++;
    c->settings = mem_array(n + 1, sizeof *c->settings);
    for (node_id a = from->settings; a; a = tree_node(t, a)->next) {
      const struct node *pair = tree_node(t, a);
      if (pair->kind != N_pair || tree_node(t, pair->a)->kind != N_sym) continue;
      sym name = tree_node(t, pair->a)->a;
      if (name == W_driver) continue;
      c->settings[c->setting_count++] =
          (struct site_setting){.name = text_of(s, name), .node = pair->b};
    }
  }
}

static enum status severity_times(const struct site *s, const struct node *n,
                                  struct site_severity *v, struct error *err) {
  enum { REPEAT_MAX = 9 };
  const struct tree *t = s->program->trees[0];
  node_id repeat = call_keyword(t, n, W_repeat);
  value times = value_int(0);
  enum status status = duration_value(s, call_keyword(t, n, W_ack_within), &v->ack_within, err);
  if (status == OK && repeat) status = site_value(s, repeat, &times, err);
  if (status != OK) return status;
  if (times.tag != V_INT || times.u.i < 0 || times.u.i > REPEAT_MAX) {
    value_unref(times);
    return wrong(s, repeat, "a number from 0 to 9", err);
  }
  v->repeat = times.u.i;
  return OK;
}

static enum status severity_open(struct site *s, node_id call, struct error *err) {
  const struct tree *t = s->program->trees[0];
  const struct node *n = tree_node(t, call);
  struct site_severity *v = &s->severities[s->severity_count++];
  node_id page = call_keyword(t, n, W_page), about = call_keyword(t, n, W_about);
  *v = (struct site_severity){.name = text_of(s, tree_node(t, call_arg(t, n, 0))->a),
                              .ticket = is_true(s, call_keyword(t, n, W_ticket))};
  if (about) {
    struct text text = tree_text(t, tree_node(t, about));
    v->about = mem_dup(text.s, text.len);
  }
  enum status status = severity_times(s, n, v, err);
  if (status != OK || !page) return status;
  if (tree_node(t, page)->kind == N_array) return texts_value(s, page, &v->page, &v->page_count, err);
  v->page = mem_array(1, sizeof *v->page);
  v->page[v->page_count++] = mem_strdup(text_of(s, tree_node(t, page)->a));
  return OK;
}

static enum status escalation_open(struct site *s, const struct site_decl *d, struct error *err) {
  enum status status = OK;
  s->severities = mem_array(d->severity_count + 1, sizeof *s->severities);
  for (size_t i = 0; status == OK && i < d->severity_count; i++)
    status = severity_open(s, d->severities[i], err);
  return status;
}

static enum status checkpoint_open(struct site *s, node_id call, struct error *err) {
  const struct tree *t = s->program->trees[0];
  if (!call) return OK;
  const struct node *n = tree_node(t, call);
  enum status status =
      texts_value(s, call_keyword(t, n, W_to), &s->checkpoint_to, &s->checkpoint_count, err);
  if (status == OK) status = path_value(s, call_keyword(t, n, W_key), &s->checkpoint_key, err);
  if (status != OK) return status;
  return duration_value(s, call_keyword(t, n, W_every), &s->checkpoint_every, err);
}

/* --- the whole --- */

static char *absolute(const char *file) {
  char *real = realpath(file, NULL);
  char *out = mem_strdup(real ? real : file);
  free(real);
  return out;
}

enum status site_open(struct site **out, struct program *owned, const char *file,
                      struct error *err) {
  struct site *s = mem_zalloc(sizeof *s);
  const struct site_decl *d = owned->site;
  *out = NULL;
  s->program = owned;
  s->file = absolute(file);
  enum status status = OK;
  if (!d) {
    status = error_set(err, ERR_CHECK, "%s holds no site", file);
    error_help(err, "a site is: site \"name\" do ... end; another file is named with --site FILE");
  } else {
    s->name = d->name;
    status = text_value(s, d->timezone, &s->timezone, err);
    if (status == OK) status = path_value(s, d->journal, &s->journal, err);
    if (status == OK) status = roles_open(s, d, err);
    if (status == OK) status = secret_store_open(&s->secrets, s, d->secrets, err);
    if (status == OK) connections_open(s, d);
    if (status == OK) status = escalation_open(s, d, err);
    if (status == OK) status = checkpoint_open(s, d->checkpoint, err);
  }
  if (status == OK) *out = s;
  else site_free(s);
  return status;
}

enum status site_read(struct site **out, const char *text, size_t len, const char *file,
                      const struct program_host *host, struct error *err) {
  struct source source;
  struct program *p;
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  *out = NULL;
  enum status status = source_init(&source, file, copy, len, err);
  if (status != OK) {
    source_release(&source);
    return status;
  }
  program_load(&p, &source, host);
  if (!p->diags.errors) return site_open(out, p, file, err);
  struct buf b = BUF_INIT;
  diags_print(&p->diags, p->sources, false, &b);
  error_set(err, ERR_CHECK, "%s has errors:\n%s", file, buf_str(&b));
  buf_release(&b);
  program_free(p);
  return ERR_CHECK;
}

static void texts_free(char **texts, size_t count) {
  for (size_t i = 0; i < count; i++)
    mem_free(texts[i]);
  mem_free(texts);
}

static void role_free(struct site_role *r) {
  texts_free(r->members, r->member_count);
  for (size_t i = 0; i < r->contact_count; i++) {
    mem_free(r->contacts[i].way);
    mem_free(r->contacts[i].to);
  }
  mem_free(r->contacts);
  mem_free(r->keys);
}

void site_free(struct site *s) {
  if (!s) return;
  for (size_t i = 0; i < s->role_count; i++)
    role_free(&s->roles[i]);
  for (size_t i = 0; i < s->connection_count; i++) {
    for (size_t k = 0; k < s->connections[i].setting_count; k++)
      value_unref(s->connections[i].settings[k].value);
    mem_free(s->connections[i].settings);
  }
  for (size_t i = 0; i < s->severity_count; i++) {
    texts_free(s->severities[i].page, s->severities[i].page_count);
    mem_free(s->severities[i].about);
  }
  texts_free(s->checkpoint_to, s->checkpoint_count);
  mem_free(s->checkpoint_key);
  mem_free(s->severities);
  mem_free(s->roles);
  mem_free(s->connections);
  secret_store_free(s->secrets);
  mem_free(s->timezone);
  mem_free(s->journal);
  mem_free(s->file);
  program_free(s->program);
  mem_free(s);
}

const struct source *site_text(const struct site *s) {
  return s ? s->program->sources[0] : NULL;
}

/* --- asking it --- */

const struct site_role *site_role(const struct site *s, const char *name) {
  for (size_t i = 0; i < s->role_count; i++)
    if (strcmp(s->roles[i].name, name) == 0) return &s->roles[i];
  return NULL;
}

enum status site_role_find(const struct site *s, const char *name, const struct site_role **out,
                           struct error *err) {
  *out = site_role(s, name);
  if (*out) return OK;
  const char **names = mem_array(s->role_count + 1, sizeof *names);
  for (size_t i = 0; i < s->role_count; i++)
    names[i] = s->roles[i].name;
  int near = name_nearest(name, names, s->role_count);
  error_set(err, ERR_NOT_FOUND, "the site %s names no role :%s", s->name, name);
  if (near >= 0) error_help(err, "did you mean :%s?", names[near]);
  else error_help(err, "say who holds it: role :%s, members: %%w[...] in %s", name, s->file);
  mem_free(names);
  return ERR_NOT_FOUND;
}

enum status site_severity_find(const struct site *s, const char *name,
                               const struct site_severity **out, struct error *err) {
  *out = NULL;
  if (!s || !s->severity_count) return OK;
  const char **names = mem_array(s->severity_count, sizeof *names);
  for (size_t i = 0; i < s->severity_count; i++) {
    names[i] = s->severities[i].name;
    if (strcmp(names[i], name) == 0) *out = &s->severities[i];
  }
  int near = *out ? -1 : name_nearest(name, names, s->severity_count);
  if (!*out) error_set(err, ERR_NOT_FOUND, "the escalation of the site %s has no severity :%s", s->name, name);
  if (near >= 0) error_help(err, "did you mean :%s?", names[near]);
  else if (!*out) error_help(err, "say who is paged: severity :%s, page: [...] in %s", name, s->file);
  mem_free(names);
  return *out ? OK : ERR_NOT_FOUND;
}

static bool same_person(const char *account, const char *member) {
  size_t n = strcspn(account, "@");
  return strlen(member) == n && strncasecmp(account, member, n) == 0;
}

bool role_has(const struct site_role *r, const char *account) {
  for (size_t i = 0; i < r->member_count; i++)
    if (same_person(account, r->members[i])) return true;
  return false;
}

bool site_knows(const struct site *s, const char *account) {
  for (size_t i = 0; i < s->role_count; i++)
    if (role_has(&s->roles[i], account)) return true;
  return false;
}

size_t role_approvers(const struct site_role *r, const char *requester) {
  return r->member_count - (requester && role_has(r, requester));
}

void role_members_text(const struct site_role *r, struct buf *out) {
  for (size_t i = 0; i < r->member_count; i++)
    buf_addf(out, "%s%s", i ? ", " : "", r->members[i]);
}

/* --- this machine --- */

static enum status keys_check(const struct site *s, const struct site_role *r, struct error *err) {
  if (!r->keys) return OK;
  int fd = open(r->keys, O_RDONLY | O_CLOEXEC);
  char byte;
  ssize_t n = fd >= 0 ? read(fd, &byte, 1) : -1;
  int why = errno;
  if (fd >= 0) close(fd);
  if (n > 0) return OK;
  error_set(err, ERR_IO, "the keys of role :%s, %s: %s", r->name, r->keys,
            n == 0 ? "the file is empty" : strerror(why));
  error_help(err, "a line for each member: NAME namespaces=\"stepwise-approval\" ssh-ed25519 AAAA...");
  return site_fail(s, r->at, err);
}

enum status site_zone_check(const struct site *s, struct error *err) {
  const char *zone = s->timezone, *dir = getenv("TZDIR");
  struct buf path = BUF_INIT;
  if (!zone || strcmp(zone, "UTC") == 0) return OK;
  buf_addf(&path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", zone);
  bool known = *zone && *zone != '/' && !strstr(zone, "..") && access(buf_str(&path), R_OK) == 0;
  enum status status = OK;
  if (!known) {
    error_set(err, ERR_VALUE, "this machine knows no time zone \"%s\": there is no %s", zone,
              buf_str(&path));
    error_help(err, "write it like \"America/New_York\"; zones come with the package tzdata");
    status = ERR_VALUE;
  }
  buf_release(&path);
  return status;
}

enum status site_zone_enter(const struct site *s, struct error *err) {
  enum status status = site_zone_check(s, err);
  if (status != OK) return site_fail(s, span_at(s, s->program->site->timezone), err);
  if (!s->timezone) return OK;
  setenv("TZ", s->timezone, 1);
  tzset();
  return OK;
}

enum status site_enter(const struct site *s, struct error *err) {
  enum status status = OK;
  for (size_t i = 0; status == OK && i < s->role_count; i++)
    status = keys_check(s, &s->roles[i], err);
  return status == OK ? site_zone_enter(s, err) : status;
}

static void local_time(int64_t us, struct tm *out) {
  time_t t = (time_t)(us / US_SECOND - (us % US_SECOND < 0));
  localtime_r(&t, out);
}

int64_t site_offset(const struct site *s, int64_t us) {
  struct tm tm;
  if (!s || !s->timezone) return 0;
  local_time(us, &tm);
  return tm.tm_gmtoff;
}

void site_time_text(const struct site *s, int64_t us, struct buf *out) {
  char text[64];
  struct tm tm;
  time_t t = (time_t)(us / US_SECOND);
  bool local = s && s->timezone;
  if (local) local_time(us, &tm);
  else gmtime_r(&t, &tm);
  strftime(text, sizeof text, local ? "%Y-%m-%d %H:%M:%S %z" : "%Y-%m-%d %H:%M:%S UTC", &tm);
  buf_adds(out, text);
}
