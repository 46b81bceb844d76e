/* The primitives of the group `consent`: whom a message may reach. A binding's `admit` asks
 * consent.check; its drivers keep what people and operators say with the others.
 *
 * All of it is in one SQLite file of the state directory, messaging.db, so that every driver, every
 * run and every terminal of a journal goes by the same list. */
#include "consent.h"

#include "../task.h"
#include "sheet_args.h"
#include "zones.h"

struct job {
  struct consent c;
  enum status (*fn)(struct consent *c, struct error *err);
  struct error *err;
  enum status status;
};

static void job_run(void *arg) {
  struct job *j = arg;
  j->status = j->fn(&j->c, j->err);
}

static void job_stop(void *arg) {
  struct job *j = arg;
  atomic_store(&j->c.stop, true);
}

/* When it was asked to stop and did, that is what it fails with. */
static enum status job_do(struct primitive_call *call, struct job *j,
                          enum status (*fn)(struct consent *c, struct error *err),
                          struct error *err) {
  struct error why = {0};
  enum status stopped = OK;
  struct clock real;
  clock_real(&real);
  j->c.now = clock_wall(call->tasks ? tasks_clock(call->tasks) : &real);
  j->fn = fn;
  j->err = err;
  if (call->tasks) stopped = task_blocking_until(call->tasks, job_run, job_stop, j, &why);
  else job_run(j);
  if (stopped != OK && j->status != OK) {
    error_release(err);
    error_move(err, &why);
    j->status = stopped;
  }
  error_release(&why);
  return j->status;
}

static void job_begin(struct primitive_call *call, struct job *j, value channel, value address,
                      value database) {
  const char *to = arg_text(call, address);
  value path = database.tag == V_NIL ? value_cstr("messaging.db") : value_ref(database);
  j->c.path = arg_path(call, path, value_bool(true));
  j->c.named = strchr(arg_text(call, path), '/') != NULL;
  j->c.channel = arg_text(call, channel);
  if (to) j->c.address = consent_address(j->c.channel, to);
  value_unref(path);
}

/* --- what people say --- */

static enum status keyword(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  const char *text = arg_text(call, args[0]), *means = consent_keyword(text, strlen(text));
  (void)err;
  *out = means ? value_symbol(sym_intern(call->syms, means, strlen(means))) : VALUE_NIL;
  return OK;
}

static enum status zones(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  const char *s = consent_zones(arg_text(call, args[0]));
  struct list *l = list_new(4);
  (void)err;
  for (size_t n; s && *s; s += n + (s[n] == ' ')) {
    n = strcspn(s, " ");
    list_push(l, value_string(s, n));
  }
  *out = value_list(l);
  return OK;
}

/* --- may it go out now --- */

struct asked {
  value to, zone, otherwise, quiet, sandbox;
  struct job *job;
};

static enum status quiet_in(struct primitive_call *call, const struct asked *a, const char *name,
                            const int hours[2], struct buf *why, struct error *err) {
  struct zone *zone;
  bool mine;
  enum status s = zone_kept(call, name, &zone, &mine, err);
  if (s == ERR_VALUE) {
    buf_addf(why, "its time zone \"%s\" is not known", name);
    error_release(err);
    return OK;
  }
  if (s != OK) return s;
  int64_t now = a->job->c.now / US_SECOND, day = 86400;
  int second = (int)(((now + zone_at(zone, now).offset) % day + day) % day);
  if (quiet_at(hours[0], hours[1], second))
    buf_addf(why, "it is %02d:%02d there (%s), and quiet hours are %s", second / 3600,
             second / 60 % 60, name, arg_text(call, a->quiet));
  if (mine) zone_free(zone);
  return OK;
}

/* By its own zone, else by its area code in all of the code's zones, else by the zone of the site. */
static enum status check_quiet(struct primitive_call *call, const struct asked *a, struct buf *why,
                               struct error *err) {
  const char *hours = arg_text(call, a->quiet), *own = arg_text(call, a->zone), *to = arg_text(call, a->to);
  const char *names = own && *own ? own : to ? consent_zones(to) : NULL;
  int range[2];
  enum status s = OK;
  if (!hours || !*hours) return OK;
  if (!quiet_read(hours, &range[0], &range[1])) {
    arg_fail(err, ERR_VALUE, "validation", "quiet hours are not written \"%s\"", hours);
    error_help(err, "write from and to, as \"21:00-08:00\"; \"\" for none");
    return ERR_VALUE;
  }
  if (!names) names = arg_text(call, a->otherwise);
  for (size_t n; s == OK && !why->len && names && *names; names += n + (names[n] == ' ')) {
    n = strcspn(names, " ");
    char *name = mem_dup(names, n);
    s = quiet_in(call, a, name, range, why, err);
    mem_free(name);
  }
  return s;
}

static bool in_sandbox(struct primitive_call *call, const struct asked *a) {
  const struct list *l = a->sandbox.tag == V_ARRAY ? value_array(a->sandbox) : NULL;
  bool found = !l || !l->count;
  for (size_t i = 0; !found && i < l->count; i++) {
    const char *text = arg_text(call, l->items[i]);
    char *one = text ? consent_address(a->job->c.channel, text) : NULL;
    found = one && strcmp(one, a->job->c.address) == 0;
    mem_free(one);
  }
  return found;
}

static void say_terminated(const struct consent *c, struct buf *why) {
  if (c->batch && *c->batch) buf_addf(why, "the batch %s was terminated: ", c->batch);
  else buf_adds(why, "what goes out was terminated: ");
  buf_adds(why, buf_str(&c->why));
}

static enum status check_all(struct primitive_call *call, const struct asked *a, struct buf *why,
                             bool *wait, struct error *err) {
  struct consent *c = &a->job->c;
  if (!c->address || !*c->address) return buf_adds(why, "it has no address"), OK;
  if (!in_sandbox(call, a)) return buf_adds(why, "it is not on the sandbox list"), OK;
  enum status s = job_do(call, a->job, consent_look, err);
  if (s != OK) return s;
  if (c->suppressed) buf_addf(why, "suppressed since %s", buf_str(&c->since));
  else if (c->hold == HOLD_TERMINATED) say_terminated(c, why);
  else if (c->hold == HOLD_PAUSED) *wait = true;
  else return check_quiet(call, a, why, err);
  return OK;
}

/* {wait: "why"} */
static value held_back(const struct consent *c) {
  struct dict *d = dict_new();
  dict_set(d, value_symbol(W_wait), value_string(buf_str(&c->why), c->why.len));
  return value_hash(d);
}

static enum status check(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  struct job j = {.c = {.batch = arg_text(call, args[3])}};
  struct asked a = {args[1], args[2], args[4], args[5], args[6], &j};
  struct buf why = {.max = 1000};
  bool wait = false;
  job_begin(call, &j, args[0], args[1], args[7]);
  enum status s = check_all(call, &a, &why, &wait, err);
  if (s == OK && why.len) *out = value_string(buf_str(&why), why.len);
  else if (s == OK) *out = wait ? held_back(&j.c) : VALUE_NIL;
  consent_release(&j.c);
  buf_release(&why);
  return s;
}

/* --- the list --- */

static enum status change(struct primitive_call *call, const value *args,
                          enum status (*fn)(struct consent *c, struct error *err), value *out,
                          struct error *err) {
  struct job j = {.c = {.reason = arg_text(call, args[2]), .source = arg_text(call, args[3])}};
  job_begin(call, &j, args[0], args[1], args[4]);
  enum status s = OK;
  if (!j.c.address || !*j.c.address)
    s = arg_fail(err, ERR_VALUE, "validation", "address: \"%s\" is none", arg_text(call, args[1]));
  if (s == OK) s = job_do(call, &j, fn, err);
  if (s == OK) *out = value_bool(j.c.changed);
  consent_release(&j.c);
  return s;
}

static enum status suppress(struct primitive_call *call, const value *args, value *out,
                            struct error *err) {
  return change(call, args, consent_suppress, out, err);
}
static enum status lift(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  return change(call, args, consent_lift, out, err);
}

static enum status suppressed(struct primitive_call *call, const value *args, value *out,
                              struct error *err) {
  struct job j = {0};
  job_begin(call, &j, args[0], args[1], args[2]);
  enum status s = job_do(call, &j, consent_look, err);
  if (s == OK) *out = value_bool(j.c.suppressed);
  consent_release(&j.c);
  return s;
}

static enum status list(struct primitive_call *call, const value *args,
                        enum status (*fn)(struct consent *c, struct error *err), value *out,
                        struct error *err) {
  struct job j = {0};
  job_begin(call, &j, args[0], VALUE_NIL, args[1]);
  enum status s = job_do(call, &j, fn, err);
  if (s == OK) *out = grid_records(call, &j.c.grid);
  consent_release(&j.c);
  return s;
}

static enum status suppressions(struct primitive_call *call, const value *args, value *out,
                                struct error *err) {
  return list(call, args, consent_list, out, err);
}
static enum status holds(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  return list(call, args, consent_holds, out, err);
}

/* --- holding back --- */

/* A batch that is named and empty is a slip, and none is every message. */
static enum status named_batch(struct primitive_call *call, value batch, const char *what, struct error *err) {
  if (batch.tag == V_NIL || *arg_text(call, batch)) return OK;
  arg_fail(err, ERR_VALUE, "validation", "batch: is empty, which names none");
  error_help(err, "give the id of one, or leave it out: then all that goes out %s", what);
  return ERR_VALUE;
}

static enum status put_hold(struct primitive_call *call, const value *args, enum hold hold,
                            value *out, struct error *err) {
  struct job j = {.c = {.batch = arg_text(call, args[1]), .reason = arg_text(call, args[2]), .hold = hold}};
  enum status s = named_batch(call, args[1], hold == HOLD_NONE ? "goes on" : "is held back", err);
  if (s != OK) return s;
  job_begin(call, &j, args[0], VALUE_NIL, args[3]);
  s = job_do(call, &j, consent_hold, err);
  if (s == OK) *out = value_bool(j.c.changed);
  consent_release(&j.c);
  return s;
}

static enum status pause_batch(struct primitive_call *call, const value *args, value *out,
                               struct error *err) {
  return put_hold(call, args, HOLD_PAUSED, out, err);
}
static enum status resume_batch(struct primitive_call *call, const value *args, value *out,
                                struct error *err) {
  return put_hold(call, args, HOLD_NONE, out, err);
}
static enum status terminate(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  const char *batch = arg_text(call, args[1]);
  if (batch && *batch) return put_hold(call, args, HOLD_TERMINATED, out, err);
  return arg_fail(err, ERR_VALUE, "validation", "batch: names none; only a batch can be terminated");
}

static enum status held(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  static const char *const names[] = {NULL, "paused", "terminated"};
  struct job j = {.c = {.batch = arg_text(call, args[1])}};
  job_begin(call, &j, args[0], VALUE_NIL, args[2]);
  enum status s = job_do(call, &j, consent_look, err);
  const char *name = names[j.c.hold];
  if (s == OK) *out = name ? value_symbol(sym_intern(call->syms, name, strlen(name))) : VALUE_NIL;
  consent_release(&j.c);
  return s;
}

#define PARAM_CHANNEL                                                                              \
  { "channel", "symbol", ":sms or :email" }
#define PARAM_ADDRESS                                                                              \
  { "address", "string", "a phone number or an email address" }
#define PARAM_BATCH                                                                                \
  { "batch", "string?", "which batch; all that goes out unless said" }
#define PARAM_REASON                                                                               \
  { "reason", "string?", "kept with it" }
#define PARAM_DATABASE                                                                             \
  { "database", "string?", "messaging.db of the state directory unless said" }
#define PARAM_END                                                                                  \
  { NULL, NULL, NULL }

static const struct primitive_param keyword_params[] = {
    {"text", "string", "a reply, as it came"}, PARAM_END};
static const struct primitive_param zones_params[] = {
    {"phone", "string", "a number with its country, as +12025550123"}, PARAM_END};
static const struct primitive_param check_params[] = {
    PARAM_CHANNEL,
    {"to", "string?", "a phone number or an email address"},
    {"zone", "string?", "the zone of who it is"},
    PARAM_BATCH,
    {"otherwise", "string?", "the zone where neither says one: the site's, call.zone"},
    {"quiet", "string?", "quiet hours, as \"21:00-08:00\"; none unless said"},
    {"sandbox", "array?", "when it is not empty: nobody else is written to"},
    PARAM_DATABASE,
    PARAM_END};
static const struct primitive_param change_params[] = {
    PARAM_CHANNEL,
    PARAM_ADDRESS,
    PARAM_REASON,
    {"source", "string?", "who or what said so; \"operator\" unless said"},
    PARAM_DATABASE,
    PARAM_END};
static const struct primitive_param one_params[] = {PARAM_CHANNEL, PARAM_ADDRESS, PARAM_DATABASE,
                                                    PARAM_END};
static const struct primitive_param list_params[] = {PARAM_CHANNEL, PARAM_DATABASE, PARAM_END};
static const struct primitive_param hold_params[] = {PARAM_CHANNEL, PARAM_BATCH, PARAM_REASON,
                                                     PARAM_DATABASE, PARAM_END};
static const struct primitive_param held_params[] = {PARAM_CHANNEL, PARAM_BATCH, PARAM_DATABASE,
                                                     PARAM_END};

const struct primitive consent_keyword_of = {
    {"consent", "keyword", keyword_params, "symbol?", EFFECT_READ,
     "What a reply says as a whole: :stop, :start, :help, or nil"},
    keyword};
const struct primitive consent_zones_of = {
    {"consent", "zones", zones_params, "array", EFFECT_READ,
     "The time zones of a North American number by its area code; none when they are not known"},
    zones};
const struct primitive consent_check = {
    {"consent", "check", check_params, "any", EFFECT_READ,
     "What `admit` answers: nil, a text that says why not, or { wait: \"why\" } while it is paused"},
    check};
const struct primitive consent_suppress_one = {
    {"consent", "suppress", change_params, "boolean", EFFECT_WRITE,
     "Nobody writes there any more; false when it was so before"},
    suppress};
const struct primitive consent_lift_one = {
    {"consent", "lift", change_params, "boolean", EFFECT_WRITE,
     "It may be written to again; false when it was not suppressed"},
    lift};
const struct primitive consent_suppressed = {
    {"consent", "suppressed", one_params, "boolean", EFFECT_READ, "Whether it is suppressed"},
    suppressed};
const struct primitive consent_suppressions = {
    {"consent", "suppressions", list_params, "array", EFFECT_READ,
     "All that are: address, reason, source, at"},
    suppressions};
const struct primitive consent_pause = {
    {"consent", "pause", hold_params, "boolean", EFFECT_WRITE, "Holds a batch back, or all"},
    pause_batch};
const struct primitive consent_resume = {
    {"consent", "resume", hold_params, "boolean", EFFECT_WRITE,
     "Ends a pause; false when there was none"},
    resume_batch};
const struct primitive consent_terminate = {
    {"consent", "terminate", hold_params, "boolean", EFFECT_WRITE,
     "What is left of a batch is refused for good"},
    terminate};
const struct primitive consent_held = {
    {"consent", "held", held_params, "symbol?", EFFECT_READ, "nil, :paused or :terminated"}, held};
const struct primitive consent_holds_of = {
    {"consent", "holds", list_params, "array", EFFECT_READ,
     "What is held back: batch (\"\" for all), state, reason, at"},
    holds};
