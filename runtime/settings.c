/* The settings of the drivers that a run or a plan uses, and which of them only practise. */
#include "driver.h"
#include "secret_store.h"
#include "site.h"

/* What a driver is set to is worked out once, before the first effect. */
struct driver_settings {
  const struct driver *driver;
  value settings; /* a record; owned */
  struct driver_settings *next;
};

/* By the setting's name, unless the secret has one of its own. */
static void learn(const struct secret_reach *reach, const struct program *p, const struct driver *d,
                  value made) {
  for (size_t i = 0; i < d->setting_count; i++) {
    value v;
    struct buf name = BUF_INIT;
    buf_addf(&name, "%s.%s", sym_text(p->syms, d->binding->name),
             sym_text(p->syms, d->settings[i].name));
    if (record_get(made, d->settings[i].name, &v))
      secrets_learn_value(reach->secrets, buf_str(&name), "site", v, p->syms);
    buf_release(&name);
  }
}

enum status driver_settings(struct driver_settings **list, struct site *site,
                            const struct drill *drill, const struct secret_reach *reach,
                            struct program *p, const struct driver *d, value *out,
                            struct error *err) {
  static const struct unit nothing;
  struct eval e;
  struct error inner = {0};
  value made;
  for (const struct driver_settings *s = *list; s; s = s->next)
    if (s->driver == d) return *out = s->settings, OK;
  eval_init(&e, p, &nothing, NULL, NULL, &inner);
  enum status status = site_settings(site, drill, reach, &e, d, &made, &inner);
  eval_release(&e);
  if (status != OK) {
    error_move(err, &inner);
    return status;
  }
  learn(reach, p, d, made);
  struct driver_settings *s = mem_alloc(sizeof *s);
  *s = (struct driver_settings){d, made, *list};
  *list = s;
  *out = made;
  return OK;
}

void driver_settings_free(struct driver_settings **list) {
  for (struct driver_settings *s = *list, *next; s; s = next) {
    next = s->next;
    value_unref(s->settings);
    mem_free(s);
  }
  *list = NULL;
}

void driver_practice_add(const struct program *p, const struct driver *d, struct buf *out) {
  struct buf one = BUF_INIT;
  const char *list = buf_str(out), *at;
  if (!d->practice) return;
  buf_addf(&one, "%s (driver %s)", sym_text(p->syms, d->binding->name), sym_text(p->syms, d->name));
  at = strstr(list, buf_str(&one));
  while (at && at > list && at[-1] != ' ')
    at = strstr(at + 1, buf_str(&one));
  if (!at) buf_addf(out, "%s%s", out->len ? ", " : "", buf_str(&one));
  buf_release(&one);
}
