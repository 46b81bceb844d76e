/* Where secrets come from: the settings of the driver, what was fetched lately, and one look. */
#include "clock.h"
#include "secret_store_inner.h"
#include "site_inner.h"
#include "text.h"
#include "utf8.h"

enum { KEEP = 60 };

struct kept {
  char *key;
  struct buf text;
  int64_t until; /* of the machine's clock, us */
  struct kept *next;
};

struct secret_store {
  const struct site *site; /* borrowed */
  enum secret_driver_id driver;
  node_id nodes[SECRET_SETTINGS];
  char *texts[SECRET_SETTINGS]; /* owned; evaluated at the first fetch */
  int64_t durations[SECRET_SETTINGS];
  bool ready;
  struct kept *kept;
};

static enum status (*const drivers[SECRET_DRIVERS])(struct secret_job *job, struct error *err) = {
    [SECRET_DRIVER_files] = secret_from_files,
    [SECRET_DRIVER_env] = secret_from_env,
    [SECRET_DRIVER_vault] = secret_from_vault,
    [SECRET_DRIVER_pass] = secret_from_pass,
};

/* --- settings --- */

/* What the text says was checked with it (lang/decl_site.c). */
enum status secret_store_open(struct secret_store **out, const struct site *s, node_id call,
                              struct error *err) {
  const struct tree *t = s->program->trees[0];
  (void)err;
  *out = NULL;
  if (!call) return OK;
  const struct node *n = tree_node(t, call);
  struct secret_store *store = mem_zalloc(sizeof *store);
  struct text name = tree_text(t, tree_node(t, call_keyword(t, n, W_driver)));
  char *driver = mem_dup(name.s, name.len);
  store->site = s;
  store->driver = secret_driver_find(driver);
  mem_free(driver);
  for (node_id a = n->c; a; a = tree_node(t, a)->next) {
    const struct node *pair = tree_node(t, a);
    if (pair->kind != N_pair || tree_node(t, pair->a)->kind != N_sym) continue;
    enum secret_setting_id id =
        secret_setting_find(store->driver, sym_text(s->program->syms, tree_node(t, pair->a)->a));
    if (id != SECRET_SETTINGS) store->nodes[id] = pair->b;
  }
  *out = store;
  return OK;
}

static enum status setting_ready(struct secret_store *store, int id, struct error *err) {
  const struct site *s = store->site;
  const struct secret_setting *setting = &secret_settings[id];
  value v;
  enum status status = site_value(s, store->nodes[id], &v, err);
  if (status != OK) return status;
  bool duration = setting->kind == SECRET_IS_DURATION;
  bool text = value_is_text(v) && value_text(v, s->program->syms).len;
  if (duration && v.tag == V_DURATION && v.u.i > 0) {
    store->durations[id] = v.u.i;
  } else if (!duration && text) {
    struct text t = value_text(v, s->program->syms);
    char *plain = mem_dup(t.s, t.len);
    mem_free(store->texts[id]);
    store->texts[id] = setting->kind == SECRET_IS_PATH ? site_path_of(s, plain) : mem_strdup(plain);
    explicit_bzero(plain, t.len);
    mem_free(plain);
  } else {
    error_set(err, ERR_TYPE, "secrets: %s: is %s", setting->name,
              duration ? "a duration above zero" : "a text that is not empty");
    status = site_fail(s, tree_span(s->program->trees[0], store->nodes[id]), err);
  }
  value_unref(v);
  return status;
}

/* Only when a secret is wanted: who merely approves needs no token. */
static enum status settings_ready(struct secret_store *store, struct error *err) {
  enum status status = OK;
  for (int id = 0; status == OK && !store->ready && id < SECRET_SETTINGS; id++)
    if (store->nodes[id]) status = setting_ready(store, id, err);
  store->ready = status == OK;
  return status;
}

const char *secret_text(const struct secret_job *job, enum secret_setting_id id) {
  return job->store->texts[id];
}

int64_t secret_duration(const struct secret_job *job, enum secret_setting_id id, int64_t otherwise) {
  return job->store->durations[id] ? job->store->durations[id] : otherwise;
}

/* --- what was fetched lately --- */

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * US_SECOND + t.tv_nsec / 1000;
}

static void kept_free(struct kept *k) {
  buf_wipe(&k->text);
  mem_free(k->key);
  mem_free(k);
}

static void forget(struct secret_store *store, bool all) {
  int64_t at = now();
  for (struct kept **p = &store->kept; *p;) {
    struct kept *k = *p;
    if (!all && at < k->until) {
      p = &k->next;
      continue;
    }
    *p = k->next;
    kept_free(k);
  }
}

const struct buf *secret_kept(struct secret_job *job, const char *key) {
  forget(job->store, false);
  for (const struct kept *k = job->store->kept; k; k = k->next)
    if (strcmp(k->key, key) == 0) return &k->text;
  return NULL;
}

void secret_keep(struct secret_job *job, const char *key, const struct buf *text) {
  struct kept *k = mem_zalloc(sizeof *k);
  k->key = mem_strdup(key);
  buf_add(&k->text, text->data, text->len);
  k->until = now() + KEEP * US_SECOND;
  k->next = job->store->kept;
  job->store->kept = k;
}

void secret_store_free(struct secret_store *store) {
  if (!store) return;
  forget(store, true);
  for (int i = 0; i < SECRET_SETTINGS; i++) {
    if (store->texts[i]) explicit_bzero(store->texts[i], strlen(store->texts[i]));
    mem_free(store->texts[i]);
  }
  mem_free(store);
}

/* --- one look --- */

/* A name below something: no way out of it, and nothing hidden. */
static bool name_is_tame(const char *name) {
  if (!*name || *name == '/') return false;
  for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
    if (*p == '.' || *p == '/' || !*p) return false;
  for (const char *p = name; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7F) return false;
  return true;
}

static enum status check_text(struct secret_job *job, struct error *err) {
  struct buf *b = &job->out;
  while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
    buf_truncate(b, b->len - 1);
  if (b->overflow) return error_set(err, ERR_LIMIT, "the secret %s is larger than 1 MiB", job->name);
  if (!b->len) return error_set(err, ERR_VALUE, "the secret %s is empty", job->name);
  if (utf8_valid(b->data, b->len)) return OK;
  return error_set(err, ERR_VALUE, "the secret %s is no text in UTF-8", job->name);
}

enum status secret_store_fetch(struct secret_store *store, const struct secret_reach *reach,
                               const char *name, value *out, struct error *err) {
  struct secret_job job = {store, reach, name, {.max = SECRET_MAX}};
  enum status status = OK;
  if (!name_is_tame(name)) {
    status = error_set(err, ERR_VALUE, "'%s' names no secret", name);
    error_help(err, "a name is a relative path without parts that begin with a dot, as twilio/auth_token");
  }
  if (status == OK) status = settings_ready(store, err);
  if (status == OK) status = drivers[store->driver](&job, err);
  /* Whatever the reason, the run cannot begin for want of it. */
  if (status == ERR_FAILED && strcmp(err->kind, "limit") != 0) status = err->status = ERR_IO;
  if (status == OK) status = check_text(&job, err);
  if (status == OK) {
    *out = value_secret(value_string(job.out.data, job.out.len));
    if (reach->secrets)
      secrets_learn(reach->secrets, name, secret_driver_names[store->driver], job.out.data, job.out.len);
  }
  buf_wipe(&job.out);
  return status;
}
