/* Programs out of the journal's text table. */
#include "pinned.h"

#include "../lang/source.h"
#include "peek.h"

/* A text of the journal as a source. */
static enum status text_source(struct pinned *p, const char *sha, const char *name,
                               struct source *out, struct error *err) {
  struct buf b = {.max = SOURCE_MAX + 4096};
  enum status status = journal_get_text(p->journal, sha, &b, err);
  if (status == OK) {
    size_t len = b.len;
    (void)buf_reserve(&b, 2);
    status = source_init(out, name, buf_take(&b), len, err);
    if (status != OK) source_release(out);
  }
  buf_release(&b);
  return status;
}

/* The digest that the run's event gives for this file; NULL: none. */
static char *module_sha(const struct pinned *p, const char *file) {
  struct member modules;
  if (!peek(buf_str(&p->started), p->started.len, "modules", &modules)) return NULL;
  return peek_copy(modules.value, modules.value_len, file);
}

/* `use "x"` was the library's x, or x.rb beside the file that says so. */
static enum status load_module(void *ud, const char *from, const char *name, struct source *out,
                               struct error *err) {
  struct pinned *p = ud;
  struct buf file = BUF_INIT;
  buf_addf(&file, "stdlib/%s.rb", name);
  char *sha = module_sha(p, buf_str(&file));
  if (!sha) {
    buf_clear(&file);
    path_beside(from, name, &file);
    sha = module_sha(p, buf_str(&file));
  }
  enum status status =
      sha ? text_source(p, sha, buf_str(&file), out, err)
          : error_set(err, ERR_NOT_FOUND, "the journal has no module '%s' for this run", name);
  mem_free(sha);
  buf_release(&file);
  return status;
}

static enum status load_runbook(void *ud, const char *from, const char *name, struct source *out,
                                struct error *err) {
  struct pinned *p = ud;
  struct buf file = BUF_INIT;
  path_beside(from, name, &file);
  char *sha = module_sha(p, buf_str(&file));
  enum status status =
      sha ? text_source(p, sha, buf_str(&file), out, err)
          : error_set(err, ERR_NOT_FOUND, "the journal has no runbook '%s' for this run", name);
  mem_free(sha);
  buf_release(&file);
  return status;
}

/* The latest of the events that say which texts a run is made of. */
static enum status take_texts(void *ud, const struct event *e) {
  struct pinned *p = ud;
  buf_clear(&p->started);
  buf_add(&p->started, e->data, e->data_len);
  return OK;
}

static enum status find_texts(struct pinned *p, const char *run, struct error *err) {
  struct event_filter filter = {.run = run, .kind = EVENT_NAME(RUN_STARTED)};
  enum status status = journal_scan(p->journal, &filter, take_texts, p, err);
  filter.kind = EVENT_NAME(RUN_PLAN_CHANGED);
  if (status == OK) status = journal_scan(p->journal, &filter, take_texts, p, err);
  if (status == OK && !p->started.len)
    status = error_set(err, ERR_NOT_FOUND, "no run %s in %s", run, journal_file(p->journal));
  return status;
}

enum status pinned_load(struct pinned *p, struct journal *j, const char *run, struct error *err) {
  *p = (struct pinned){.journal = j};
  enum status status = find_texts(p, run, err);
  if (status != OK) return status;
  const char *data = buf_str(&p->started);
  char *sha = peek_copy(data, p->started.len, "sha256");
  char *file = peek_copy(data, p->started.len, "file");
  struct source s = {0};
  status = sha ? text_source(p, sha, file ? file : "runbook", &s, err)
               : error_set(err, ERR_JOURNAL, "run %s does not say what it runs", run);
  if (status == OK) {
    host_init(&p->host, NULL);
    p->door = p->host.program;
    p->door.ud = p;
    p->door.load_module = load_module;
    p->door.load_runbook = load_runbook;
    program_load(&p->program, &s, &p->door);
  }
  mem_free(sha);
  mem_free(file);
  return status;
}

void pinned_release(struct pinned *p) {
  program_free(p->program);
  host_release(&p->host);
  buf_release(&p->started);
  *p = (struct pinned){0};
}
