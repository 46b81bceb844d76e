/* Who may acknowledge a page, and what is recorded of it. */
#include "page_ack.h"

#include "codec.h"
#include "run.h"
#include "site_pinned.h"

static const char *me(struct operation *op) {
  return journal_actor(op->journal);
}

/* A name of the list ["on_call","lead"] as the journal has it. */
static enum status each_role(const char *json, const struct site *site, const char *account,
                             const char **found, struct error *err) {
  struct symtab *syms = symtab_new();
  value v = VALUE_NIL;
  enum status status = json_read(json, strlen(json), syms, false, &v, err);
  const struct list *l = status == OK && v.tag == V_ARRAY ? value_array(v) : NULL;
  for (size_t i = 0; l && !*found && i < l->count; i++) {
    const struct site_role *r =
        l->items[i].tag == V_STRING ? site_role(site, value_str(l->items[i])->s) : NULL;
    if (r && role_has(r, account)) *found = r->name;
  }
  value_unref(v);
  symtab_free(syms);
  return status;
}

/* The role of those that were called which this account is a member of, or NULL. */
static enum status role_called(const struct open_page *p, const struct site *site,
                               const char *account, const char **found, struct error *err) {
  *found = NULL;
  enum status status = OK;
  for (size_t i = 0; site && status == OK && !*found && i < p->role_count; i++)
    status = each_role(p->roles[i], site, account, found, err);
  return status;
}

static enum status not_called(struct operation *op, const struct open_page *p, struct error *err) {
  error_set(err, ERR_FAILED, "%s is none of those who are paged: %s", me(op), p->text ? p->text : "");
  error_kind(err, "permission");
  error_help(err, "say who has it: stepwise ack %s --note \"kim is on it\"%s", op->run, op->tail);
  return ERR_FAILED;
}

static enum status ack_append(struct operation *op, const struct open_page *p, const char *role,
                              struct error *err) {
  struct record r = {0};
  record_text(&r, "page", p->page);
  record_text(&r, "role", role);
  record_text(&r, "note", op->reason);
  buf_addc(&r.data, '}');
  struct event e = {.run = op->run,
                    .step = p->step,
                    .kind = EVENT_NAME(PAGE_ACKNOWLEDGED),
                    .data = buf_str(&r.data),
                    .data_len = r.data.len};
  enum status status = journal_append(op->journal, &e, err);
  buf_release(&r.data);
  return status;
}

/* One after the other, all in one commit. */
static enum status ack_open(struct operation *op, const struct site *site, size_t *count,
                            struct error *err) {
  const struct standing *s = &op->standing;
  enum status status = OK;
  *count = 0;
  for (size_t i = 0; status == OK && i < s->page_count; i++) {
    const struct open_page *p = &s->pages[i];
    const char *role;
    if (p->acked.by) continue;
    status = role_called(p, site, me(op), &role, err);
    if (status == OK && site && !role && !op->reason) status = not_called(op, p, err);
    if (status == OK) status = ack_append(op, p, role, err);
    ++*count;
  }
  if (status == OK && *count) status = journal_commit(op->journal, err);
  return status;
}

static enum status nothing_open(struct operation *op, struct error *err) {
  const struct standing *s = &op->standing;
  for (size_t i = 0; i < s->page_count; i++) {
    struct buf b = BUF_INIT;
    told_text(&s->pages[i].acked, &b);
    operation_say(op, "acknowledged already %s", buf_str(&b));
    buf_release(&b);
  }
  if (s->page_count) return OK;
  error_set(err, ERR_NOT_FOUND, "run %s has paged nobody", op->run);
  error_help(err, "stepwise show %s%s tells how it stands", op->run, op->tail);
  return ERR_NOT_FOUND;
}

static void say_acked(struct operation *op, size_t count) {
  const struct standing *s = &op->standing;
  for (size_t i = 0; i < s->page_count; i++)
    if (!s->pages[i].acked.by)
      operation_say(op, "acknowledged: %s", s->pages[i].text ? s->pages[i].text : "");
  if (count && op->pid) operation_say(op, "process %ld goes on with the run", (long)op->pid);
  else if (count && !standing_ended(s)) operation_hint(op, "resume", "", "the run goes on with");
}

enum status operate_ack(struct operation *op, struct error *err) {
  struct site_pinned pinned;
  size_t count = 0;
  enum status status = site_pinned_load(&pinned, op->journal, op->run, err);
  if (status == OK) status = operation_begin(op, false, err);
  if (status == OK) status = ack_open(op, pinned.site, &count, err);
  if (status == OK && !count) status = nothing_open(op, err);
  if (status == OK) say_acked(op, count);
  site_pinned_release(&pinned);
  return operation_end(op, status);
}
