/* Calls of actions that the journal has: their outcome comes back, and the world is left alone. */
#include "action.h"
#include "fanout.h"
#include "text.h"

/* --- the same call? --- */

static void call_now(const struct action_run *c, size_t list_max, struct buf *out) {
  struct record r = {0};
  const char *args;
  size_t len;
  record_args(&r, c->lane, c->action, c->args, list_max);
  buf_addc(&r.data, '}');
  record_redact(c->lane->run->engine, &r); /* as it was recorded */
  action_text(c, out);
  if (json_member(r.data.data, r.data.len, "args", &args, &len)) buf_add(out, args, len);
  buf_adds(out, " at ");
  action_site(c, out);
  record_release(&r);
}

static void call_recorded(const struct action_run *c, uint32_t event, struct buf *out) {
  const struct history *h = c->lane->run->history;
  static const char *const fields[] = {"binding", "action", "site"};
  char *text[3];
  const char *args = "";
  size_t len = 0;
  for (size_t i = 0; i < 3; i++)
    text[i] = past_text(h, event, fields[i]);
  (void)past_raw(h, event, "args", &args, &len);
  buf_addf(out, "%s.%s", text[0] ? text[0] : "?", text[1] ? text[1] : "?");
  buf_add(out, args, len);
  if (text[2]) buf_addf(out, " at %s", text[2]);
  for (size_t i = 0; i < 3; i++)
    mem_free(text[i]);
}

/* With other texts lines may have moved: then the place does not count. */
static bool same_as(const struct action_run *c, uint32_t event, bool site, size_t list_max) {
  struct buf now = BUF_INIT, recorded = BUF_INIT;
  call_now(c, list_max, &now);
  call_recorded(c, event, &recorded);
  site &= !c->lane->run->history->plan_changed && !c->lane->run->options->resume->plan_changed;
  const char *a = buf_str(&now), *b = buf_str(&recorded);
  size_t n = now.len, m = recorded.len;
  if (!site)
    for (n = m = 0; a[n] && strncmp(a + n, " at ", 4) != 0;)
      n++;
  if (!site) m = n;
  bool same = n <= recorded.len && n == m && memcmp(a, b, n) == 0;
  buf_release(&now);
  buf_release(&recorded);
  return same;
}

static bool same_action(const struct action_run *c, uint32_t event) {
  const struct history *h = c->lane->run->history;
  const struct symtab *syms = c->lane->run->program->syms;
  return past_is(h, event, "binding", sym_text(syms, c->action->binding->name)) &&
         past_is(h, event, "action", sym_text(syms, c->action->name));
}

/* The list of a batch stands in the event where an older program wrote it. A page says where its run is,
 * which may be elsewhere by now. */
static bool same_call(const struct action_run *c, uint32_t event, bool site) {
  if (c->lane->paging) return same_action(c, event);
  if (same_as(c, event, site, LIST_MAX)) return true;
  return c->action->each && same_as(c, event, site, VALUE_MAX);
}

/* --- lists that differ --- */

struct past_args {
  const struct action_run *c;
  value *args; /* by parameter; owned */
};

static enum status take_arg(void *ud, const char *name, value owned) {
  struct past_args *p = ud;
  const struct action *a = p->c->action;
  for (size_t i = 0; i < a->take_count; i++) {
    if (strcmp(sym_text(p->c->lane->run->program->syms, a->takes[i].name), name) != 0) continue;
    value_unref(p->args[i]);
    p->args[i] = owned;
    return OK;
  }
  value_unref(owned);
  return OK;
}

/* A list of thousands is told by its size and by the first item that is another. */
static void list_text(const struct action_run *c, value list, size_t differs, struct buf *out) {
  const struct list *l = list.tag == V_ARRAY ? value_array(list) : NULL;
  count_text(l ? (int64_t)l->count : 0, out);
  buf_adds(out, " items");
  if (!l || differs >= l->count) return;
  buf_addf(out, ", number %zu is ", differs);
  value_inspect(l->items[differs], c->lane->run->program->syms, out);
}

static size_t first_other(const struct action_run *c, value a, value b) {
  size_t i = 0;
  if (a.tag != V_ARRAY || b.tag != V_ARRAY) return 0;
  const struct list *x = value_array(a), *y = value_array(b);
  while (i < x->count && i < y->count &&
         value_equal(x->items[i], y->items[i], c->lane->run->program->syms))
    i++;
  return x->count == y->count && i == x->count ? SIZE_MAX : i;
}

static void batch_call_text(const struct action_run *c, const value *args, size_t differs,
                            struct buf *out) {
  const struct symtab *syms = c->lane->run->program->syms;
  action_text(c, out);
  for (size_t i = 0; i < c->action->take_count; i++) {
    struct buf v = {.max = 200};
    buf_addf(out, "%s%s: ", i ? ", " : "(", sym_text(syms, c->action->takes[i].name));
    if (&c->action->takes[i] == c->action->each) list_text(c, args[i], differs, &v);
    else value_inspect(args[i], syms, &v);
    buf_addf(out, "%s%s", buf_str(&v), v.overflow ? "..." : "");
    buf_release(&v);
  }
  buf_addc(out, ')');
}

static enum status other_batch(const struct action_run *c, uint32_t event, struct error *err) {
  struct past_args past = {c, mem_array(c->action->take_count + 1, sizeof *past.args)};
  struct run *run = c->lane->run;
  size_t each = (size_t)(c->action->each - c->action->takes);
  struct buf now = BUF_INIT, recorded = BUF_INIT;
  enum status status =
      past_members(run->history, event, "args", run->program->syms, take_arg, &past, err);
  if (status == OK) {
    size_t differs = first_other(c, past.args[each], c->args[each]);
    batch_call_text(c, past.args, differs, &recorded);
    batch_call_text(c, c->args, differs, &now);
    status = replay_differs(c->lane, buf_str(&recorded), buf_str(&now), err);
  }
  for (size_t i = 0; i < c->action->take_count; i++)
    value_unref(past.args[i]);
  mem_free(past.args);
  buf_release(&now);
  buf_release(&recorded);
  return status;
}

static enum status other_call(const struct action_run *c, uint32_t event, struct error *err) {
  if (c->action->each && same_action(c, event)) return other_batch(c, event, err);
  struct buf now = BUF_INIT, recorded = BUF_INIT;
  call_now(c, LIST_MAX, &now);
  call_recorded(c, event, &recorded);
  enum status status = replay_differs(c->lane, buf_str(&recorded), buf_str(&now), err);
  buf_release(&now);
  buf_release(&recorded);
  return status;
}

/* --- its outcome --- */

static void flags_again(const struct action_run *c, bool ok) {
  struct step_run *s = c->lane->at;
  if (!s || c->action->effect != EFFECT_WRITE || c->lane->paging) return;
  s->unsafe |= action_once(c);
  s->writing = true;
  s->did |= ok;
}

static enum status secret_lost(const struct action_run *c, struct error *err) {
  struct buf name = BUF_INIT;
  action_text(c, &name);
  error_set(err, ERR_FAILED, "%s gave a secret, which the journal does not keep, and it may not be "
                             "done again", buf_str(&name));
  error_kind(err, "replay");
  buf_release(&name);
  return ERR_FAILED;
}

/* A secret is fetched again where that does no harm; the journal has that it was. */
static enum status secret_again(struct action_run *c, value *out, struct error *err) {
  struct buf name = BUF_INIT, why = BUF_INIT;
  if (c->perform->repeat == REPEAT_UNSAFE && c->action->effect == EFFECT_WRITE)
    return secret_lost(c, err);
  if (action_perform(c, out, err) == OK) return OK;
  action_text(c, &name);
  error_whole(err, &why);
  error_set(err, ERR_FAILED, "the secret that %s gave cannot be fetched again: %s", buf_str(&name),
            buf_str(&why));
  error_kind(err, "replay");
  error_help(err, "`stepwise resume` goes on once it can");
  buf_release(&name);
  buf_release(&why);
  return ERR_FAILED;
}

/* A write that may not be repeated gave back what it was given: all of its result but that is known. */
static bool only_echoed(const struct action_run *c, uint32_t event) {
  if (c->action->effect != EFFECT_WRITE || c->perform->repeat != REPEAT_UNSAFE) return false;
  for (size_t i = 0; i < c->action->give_count; i++)
    if (c->action->gives[i].secret) return false;
  return c->action->result != T_secret && past_is(c->lane->run->history, event, "redacted", NULL);
}

static enum status result_again(struct action_run *c, uint32_t event, value *out,
                                struct error *err) {
  enum status status = past_value(c->lane->run->history, event, "result",
                                  c->lane->run->program->syms, out, err);
  if (status != OK || !value_has_secret(*out)) return status;
  if (only_echoed(c, event)) return OK;
  value_unref(*out);
  return secret_again(c, out, err);
}

static enum status ended_again(struct action_run *c, uint32_t event, bool *told, value *out,
                               struct error *err) {
  const struct history *h = c->lane->run->history;
  const char *json;
  size_t len;
  bool failed = past_raw(h, event, "error", &json, &len);
  *told = true;
  flags_again(c, !failed);
  if (!failed) return result_again(c, event, out, err);
  past_error(h, event, "error", err);
  return ERR_FAILED;
}

/* --- in a replay --- */

/* A run that is undone sends no more: how far its batch came is the action's outcome. A batch that a
 * rollback itself sends goes on. */
static enum status batch_stopped(struct action_run *c, bool *told, value *out, struct error *err) {
  static const char *const by[] = {
      [REPEAT_UNSAFE] = "probe", [REPEAT_SAFE] = "safe", [REPEAT_BY_KEY] = "by_key"};
  enum status status = fanout_stop(c, out, err);
  if (status == OK)
    status = settled_record(c, "done", by[c->perform->repeat], out, "as far as it came", err);
  *told = status == OK;
  return status;
}

static enum status replayed(struct action_run *c, bool *told, value *out, struct error *err) {
  struct past_call past;
  replay_call(c->lane->replay, c->ordinal, &past);
  if (past.state == PAST_NONE) return replay_live(c->lane, err);
  if (past.started && !same_call(c, past.started, true)) return other_call(c, past.started, err);
  enum status status = OK;
  if (past.state == PAST_ENDED) status = ended_again(c, past.ended, told, out, err);
  else if (past.state == PAST_OPEN && c->action->effect == EFFECT_WRITE) {
    flags_again(c, false);
    c->begun = c->lane->run->history->events[past.started].time_us;
    if (!c->action->each) status = doubt_settle(c, told, out, err);
    else if (c->lane->run->back && !c->lane->run->rolling_back) status = batch_stopped(c, told, out, err);
  }
  return status != OK || *told ? status : replay_live(c->lane, err);
}

/* --- in a new group of attempts --- */

/* An operator lets a step that failed be tried again, or its rollback; what it did and may not be
 * repeated stays done. */
static enum status not_repeated(struct action_run *c, bool *told, value *out, struct error *err) {
  const struct history *h = c->lane->run->history;
  const struct step_run *s = c->lane->at;
  struct past_call past;
  if (!s || !s->past || (!s->rolling_back && (s->again || !s->attempt))) return OK;
  if (c->action->effect != EFFECT_WRITE || action_repeatable(c)) return OK;
  history_call(h, s->past, c->ordinal, s->rolling_back, &past);
  const char *json;
  size_t len;
  c->begun = past.started ? h->events[past.started].time_us : 0;
  if (past.state == PAST_OPEN) return c->action->each ? OK : doubt_settle(c, told, out, err);
  if (past.state != PAST_ENDED || past_raw(h, past.ended, "error", &json, &len)) return OK;
  if (past.started && !same_call(c, past.started, false)) return other_call(c, past.started, err);
  enum status status = ended_again(c, past.ended, told, out, err);
  if (status != OK || !*told) return status;
  run_notice(c->lane, &(struct notice){.kind = NOTICE_NOTE,
                                       .text = "done in an earlier attempt and not repeated"});
  status = settled_record(c, "done", "earlier", out, NULL, err);
  if (status != OK) value_unref(*out);
  return status;
}

/* Arguments must not hold what stood for a secret. */
static enum status args_whole(const struct action_run *c, struct error *err) {
  for (size_t i = 0; i < c->action->take_count; i++) {
    if (!value_lost_secret(c->args[i])) continue;
    error_set(err, ERR_FAILED, "%s: this was a secret of a step that is done, and the journal does not keep secrets",
              sym_text(c->lane->run->program->syms, c->action->takes[i].name));
    error_kind(err, "replay");
    error_help(err, "start a new run from the step that fetches it: run --from STEP");
    return ERR_FAILED;
  }
  return OK;
}

enum status action_again(struct action_run *c, bool *told, value *out, struct error *err) {
  enum status status = args_whole(c, err);
  if (status != OK) return status;
  if (c->lane->replay) return replayed(c, told, out, err);
  return not_repeated(c, told, out, err);
}
