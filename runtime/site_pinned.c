/* Sites out of the journal's text table. */
#include "site_pinned.h"

#include "peek.h"

struct finding {
  char *site, *file, *plan; /* owned, or NULL */
};

static void replace(char **to, char *owned) {
  mem_free(*to);
  *to = owned;
}

/* run.started, then each run.plan_changed: the last one counts. */
static enum status on_texts(void *ud, const struct event *e) {
  struct finding *f = ud;
  char *file = peek_copy(e->data, e->data_len, "site_file");
  replace(&f->site, peek_copy(e->data, e->data_len, "site"));
  replace(&f->plan, peek_copy(e->data, e->data_len, "plan"));
  if (file) replace(&f->file, file);
  return OK;
}

enum status site_pinned_load(struct site_pinned *p, struct journal *j, const char *run,
                             struct error *err) {
  struct finding f = {0};
  struct buf text = BUF_INIT;
  struct event_filter filter = {.run = run, .kind = EVENT_NAME(RUN_STARTED)};
  *p = (struct site_pinned){0};
  enum status status = journal_scan(j, &filter, on_texts, &f, err);
  filter.kind = EVENT_NAME(RUN_PLAN_CHANGED);
  if (status == OK) status = journal_scan(j, &filter, on_texts, &f, err);
  if (status == OK && f.site) status = journal_get_text(j, f.site, &text, err);
  if (status == OK && f.site) {
    host_init(&p->host, NULL);
    status = site_read(&p->site, buf_str(&text), text.len, f.file ? f.file : "site.rb",
                       &p->host.program, err);
  }
  p->plan = f.plan;
  mem_free(f.site);
  mem_free(f.file);
  buf_release(&text);
  return status;
}

void site_pinned_release(struct site_pinned *p) {
  site_free(p->site);
  mem_free(p->plan);
  host_release(&p->host);
  *p = (struct site_pinned){0};
}
