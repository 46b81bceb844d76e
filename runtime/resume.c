/* Runs that go on: what they began with is taken from the journal, their clocks run on, and the plan
 * is walked again from its beginning, which costs nothing where everything is done. */
#include "approval.h"
#include "cancel.h"

#include <unistd.h>

#include "codec.h"

/* What a resumed run has instead of the command line's options. */
struct resumed {
  struct run_options options;
  struct given_input *inputs;
  size_t input_count, input_cap;
  char **texts; /* owned; what options point to */
  size_t text_count, text_cap;
  const char **roles, **skip;
};

void resumed_free(struct run *run) {
  struct resumed *r = run->resumed;
  if (!r) return;
  for (size_t i = 0; i < r->input_count; i++)
    value_unref(r->inputs[i].value);
  for (size_t i = 0; i < r->text_count; i++)
    mem_free(r->texts[i]);
  mem_free(r->inputs);
  mem_free(r->texts);
  mem_free(r->roles);
  mem_free(r->skip);
  mem_free(r);
  run->resumed = NULL;
}

/* --- clocks --- */

/* The wall's clock may have been set back: no time is before the run's latest event. */
static int64_t wall_now(const struct run *run) {
  int64_t now = clock_wall(run->engine->config.clock);
  const struct history *h = run->history;
  return h && h->last_us > now ? h->last_us : now;
}

int64_t run_mono(const struct run *run, int64_t wall_us) {
  int64_t ago = wall_now(run) - wall_us;
  return clock_mono(run->engine->config.clock) - (ago > 0 ? ago : 0);
}

int64_t run_left(const struct run *run, int64_t until_us, int64_t whole) {
  int64_t left = until_us - wall_now(run);
  if (left < 0) return 0;
  return left < whole ? left : whole;
}

/* --- what it began with --- */

static const char *keep(struct resumed *r, char *text) {
  r->texts = mem_grow(r->texts, r->text_count, &r->text_cap, sizeof *r->texts);
  return r->texts[r->text_count++] = text;
}

static value option_of(value options, const char *name) {
  value key = value_cstr(name), v = VALUE_NIL;
  if (options.tag == V_HASH) dict_get(value_dict(options), key, &v);
  value_unref(key);
  return v;
}

static const char *text_option(struct resumed *r, value options, const char *name) {
  value v = option_of(options, name);
  return v.tag == V_STRING ? keep(r, mem_strdup(value_str(v)->s)) : NULL;
}

/* The list of the journal and what is given now. */
static const char **list_option(struct resumed *r, value options, const char *name,
                                const char *const *more, size_t more_count, size_t *count) {
  value v = option_of(options, name);
  size_t n = v.tag == V_ARRAY ? value_array(v)->count : 0;
  const char **all = mem_array(n + more_count + 1, sizeof *all);
  *count = 0;
  for (size_t i = 0; i < n; i++)
    if (value_array(v)->items[i].tag == V_STRING)
      all[(*count)++] = keep(r, mem_strdup(value_str(value_array(v)->items[i])->s));
  for (size_t i = 0; i < more_count; i++)
    all[(*count)++] = more[i];
  return all;
}

static enum status options_take(struct run *run, struct error *err) {
  struct resumed *r = run->resumed;
  const struct run_options *now = run->options;
  struct run_options *o = &r->options;
  value options;
  enum status status = past_value(run->history, run->history->started, "options",
                                  run->program->syms, &options, err);
  if (status != OK) return status;
  *o = *now;
  o->from = text_option(r, options, "from");
  o->only = text_option(r, options, "only");
  o->skip_reason = text_option(r, options, "skip_reason");
  r->skip = list_option(r, options, "skip", NULL, 0, &o->skip_count);
  r->roles = list_option(r, options, "roles", now->roles, now->role_count, &o->role_count);
  o->skip = r->skip;
  o->roles = r->roles;
  o->page_and_go = value_truthy(option_of(options, "page_and_go"));
  value_unref(options);
  if (run->drill) return OK; /* that of the run that waits for it */
  status = drill_past(run->history, run->engine->config.state_dir, &run->drill, err);
  return status;
}

struct taking {
  struct run *run;
  struct error *err;
};

static const struct field *input_field(const struct run *run, const char *name) {
  for (size_t i = 0; i < run->plan->input_count; i++)
    if (strcmp(sym_text(run->program->syms, run->plan->inputs[i].name), name) == 0)
      return &run->plan->inputs[i];
  return NULL;
}

/* Secrets are not in the journal: they are given, asked for or defaulted again. */
static enum status input_take(void *ud, const char *name, value owned) {
  struct taking *t = ud;
  struct resumed *r = t->run->resumed;
  const struct field *f = input_field(t->run, name);
  if (!f || f->secret || value_has_secret(owned)) return value_unref(owned), OK;
  r->inputs = mem_grow(r->inputs, r->input_count, &r->input_cap, sizeof *r->inputs);
  r->inputs[r->input_count++] =
      (struct given_input){.name = keep(r, mem_strdup(name)), .value = owned};
  return OK;
}

static bool has_input(const struct resumed *r, const char *name) {
  for (size_t i = 0; i < r->input_count; i++)
    if (strcmp(r->inputs[i].name, name) == 0) return true;
  return false;
}

static enum status inputs_take(struct run *run, struct error *err) {
  struct resumed *r = run->resumed;
  const struct run_options *now = run->options;
  struct taking t = {run, err};
  enum status status = past_members(run->history, run->history->started, "inputs",
                                    run->program->syms, input_take, &t, err);
  for (size_t i = 0; status == OK && i < now->input_count; i++) {
    if (has_input(r, now->inputs[i].name)) {
      status = error_set(err, ERR_CONFLICT, "input %s: the run began with its inputs, they stay",
                         now->inputs[i].name);
      error_help(err, "only inputs that are secret are given again");
      break;
    }
    r->inputs = mem_grow(r->inputs, r->input_count, &r->input_cap, sizeof *r->inputs);
    r->inputs[r->input_count++] = (struct given_input){
        now->inputs[i].name, value_ref(now->inputs[i].value), now->inputs[i].typed};
  }
  r->options.inputs = r->inputs;
  r->options.input_count = r->input_count;
  return status;
}

/* --- going on --- */

/* Time that a held run stood still does not count against its limit. */
static int64_t run_began(const struct run *run) {
  const struct history *h = run->history;
  uint32_t from = h->started;
  if (h->held) from = h->resumed > h->held ? h->resumed : 0;
  return from ? h->events[from].time_us : h->last_us;
}

static void record_choices(struct record *r, const struct resume *o) {
  record_text(r, "reason", o->reason);
  record_text(r, "from", o->from);
  record_texts(r, "skip", o->skip, o->skip_count);
  if (o->back) record_bool(r, "back", true);
}

/* With other texts what was asked is not what will be done: approvals that are open are void. */
static enum status plan_change_record(struct lane *lane, struct error *err) {
  struct run *run = lane->run;
  const struct history *h = run->history;
  struct record r = {0};
  char *was = past_text(h, h->plan_changed ? h->plan_changed : h->started, "plan");
  enum status status = run_put_texts(lane, &r, err);
  record_text(&r, "file", run->program->sources[0]->name);
  record_text(&r, "plan", run->plan_sha);
  record_text(&r, "was", was ? was : "");
  record_text(&r, "reason", run->options->resume->reason);
  mem_free(was);
  if (status == OK) status = run_append(lane, EVENT_NAME(RUN_PLAN_CHANGED), &r, err);
  record_release(&r);
  return status == OK ? approvals_void(lane, "plan_changed", err) : status;
}

static enum status resume_record(struct lane *lane, struct error *err) {
  struct run *run = lane->run;
  struct record r = {0};
  size_t done = 0;
  char text[64];
  for (size_t i = 1; i < run->history->step_count; i++)
    done += run->history->steps[i]->outcome == STEP_FINISHED;
  record_choices(&r, run->options->resume);
  record_int(&r, "pid", getpid());
  enum status status = run_append(lane, EVENT_NAME(RUN_RESUMED), &r, err);
  if (status == OK) status = run_sync(lane, err);
  if (status != OK) return status;
  snprintf(text, sizeof text, "going on: %zu step%s done before", done, done == 1 ? "" : "s");
  run_notice(lane, &(struct notice){.kind = NOTICE_RUN,
                                    .text = run->plan->title ? run->plan->title : run->plan->name,
                                    .id = run->id,
                                    .n = items_ahead(run->plan->items),
                                    .detail = journal_actor(run->engine->config.journal)});
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = text});
  return OK;
}

static void resume_flags(struct run *run) {
  const struct history *h = run->history;
  run->begun = run->recorded = true;
  run->wrote = h->wrote;
  run->walking = true;
  run->back = run->options->resume->back || h->rolling_back;
  /* What its end was, its on_failure block has been told. */
  run->handled = run->back && h->rested;
  const char *to = run->options->resume->to;
  run->undo_to = to ? mem_strdup(to) : h->rolling_back ? past_text(h, h->rolling_back, "to") : NULL;
  for (size_t i = 1; i < h->step_count; i++)
    run->to_visit += h->steps[i]->began || h->steps[i]->ended;
  for (uint32_t i = 1; i <= h->count && !run->glass; i++)
    run->glass = h->events[i].kind == EVENT_APPROVAL_USED && past_is(h, i, "break_glass", NULL);
  run->started = run_mono(run, run_began(run));
}

enum status resume_begin(struct lane *lane, struct error *err) {
  struct run *run = lane->run;
  run->resumed = mem_zalloc(sizeof *run->resumed);
  enum status status = options_take(run, err);
  if (status == OK) status = inputs_take(run, err);
  run->options = &run->resumed->options;
  if (status == OK) status = inputs_gather(lane, err);
  if (status == OK) status = run_preflight(lane, err);
  if (status == OK) status = children_check(lane, err);
  if (status != OK) return status;
  resume_flags(run);
  plan_hash(run->program, site_text(run->site), run->plan_sha);
  status = run_lock(lane, err);
  if (status == OK && run->options->resume->plan_changed) status = plan_change_record(lane, err);
  if (status == OK) status = resume_record(lane, err);
  if (status == OK && !run->back) cancel_pending(run);
  return status == OK ? leases_again(lane, err) : status;
}

/* --- going back --- */

enum status run_back_stop(struct error *err) {
  error_set(err, ERR_WAITING, "what was done is undone from here");
  error_kind(err, "back");
  return ERR_WAITING;
}

static void run_back_cause(const struct run *run, struct error *cause) {
  const struct history *h = run->history;
  const char *reason = run->options->resume->reason, *json;
  size_t len;
  if (h->rolling_back && past_raw(h, h->rolling_back, "error", &json, &len)) {
    past_error(h, h->rolling_back, "error", cause);
    return;
  }
  if (reason) error_set(cause, ERR_FAILED, "%s", reason);
  else error_set(cause, ERR_FAILED, "an operator asked for it");
  error_kind(cause, "rollback");
}

/* A walk that fails where the run itself had has met all that was done. Any other left something out. */
static bool walked(const struct run *run, const struct error *err) {
  if (strcmp(err->kind, "back") == 0) return true;
  return strcmp(err->kind, "replay") != 0 && run->visited >= run->to_visit;
}

/* Branches wait for each other, so that everything that was done is known before it is undone. */
bool run_back(struct lane *lane, struct step_run *s, struct error *err) {
  struct error cause = {0};
  if (!lane->run->back || lane->run->rolling_back || err->status == ERR_JOURNAL) return false;
  if (lane->outer) {
    err->status = ERR_WAITING;
    lane->failure = (struct failure){.step = s, .policy = POLICY_HOLD};
    error_move(&lane->failure.err, err);
    return true;
  }
  if (s && s->in_doubt) {
    run_doubt(lane, s, err);
  } else if (!walked(lane->run, err)) {
    run_hold(lane, s, err);
  } else {
    run_back_cause(lane->run, &cause);
    run_roll_back(lane, &cause);
    error_release(&cause);
  }
  return true;
}
