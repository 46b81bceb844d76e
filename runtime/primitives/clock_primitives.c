/* The primitives of the group `clock`: the engine's time, so that a drill's waits take no time. */
#include "../task.h"
#include "../text.h"
#include "zones.h"

static enum status now(struct primitive_call *call, const value *args, value *out,
                       struct error *err) {
  struct clock real;
  (void)args, (void)err;
  clock_real(&real);
  *out = value_time(clock_wall(call->tasks ? tasks_clock(call->tasks) : &real));
  return OK;
}

static enum status mono(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  struct clock real;
  (void)args, (void)err;
  clock_real(&real);
  *out = value_duration(clock_mono(call->tasks ? tasks_clock(call->tasks) : &real));
  return OK;
}

static enum status pause_for(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  int64_t us = arg_duration(args[0], -1);
  if (us < 0) return arg_fail(err, ERR_VALUE, "validation", "a sleep is no shorter than nothing");
  if (!call->tasks || !task_current(call->tasks))
    return arg_fail(err, ERR_CHECK, "validation", "clock.sleep waits in a run only");
  enum status s = task_sleep(call->tasks, us, err);
  if (s == OK) *out = VALUE_NIL;
  return s;
}

static value fields(struct primitive_call *call, int64_t us, const struct zone *zone) {
  int64_t at = us / SECOND - (us % SECOND < 0);
  struct zone_moment m = zone_at(zone, at);
  struct moment local = moment_of(us + m.offset * SECOND);
  const struct tm *tm = &local.tm;
  int64_t shows = (tm->tm_hour * INT64_C(3600) + tm->tm_min * 60 + tm->tm_sec) * SECOND + local.us;
  struct dict *d = dict_new();
  result_set(call, d, "year", value_int(tm->tm_year + INT64_C(1900)));
  result_set(call, d, "month", value_int(tm->tm_mon + 1));
  result_set(call, d, "day", value_int(tm->tm_mday));
  result_set(call, d, "hour", value_int(tm->tm_hour));
  result_set(call, d, "minute", value_int(tm->tm_min));
  result_set(call, d, "second", value_int(tm->tm_sec));
  result_set(call, d, "wday", value_int(tm->tm_wday));
  result_set(call, d, "yday", value_int(tm->tm_yday + 1));
  result_set(call, d, "time_of_day", value_duration(shows));
  result_set(call, d, "offset", value_duration(m.offset * SECOND));
  result_set(call, d, "dst", value_bool(m.dst));
  result_set(call, d, "zone", value_cstr(m.abbreviation));
  return value_record(d);
}

static enum status local(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  bool mine;
  struct zone *zone;
  const char *name = arg_text(call, args[1]);
  enum status s = zone_kept(call, name ? name : "", &zone, &mine, err);
  if (s != OK) return s;
  *out = fields(call, args[0].u.i, zone);
  if (mine) zone_free(zone);
  return OK;
}

static enum status is_zone(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  bool mine;
  struct zone *zone = NULL;
  struct error ignored = {0};
  const char *name = arg_text(call, args[0]);
  (void)err;
  bool known = zone_kept(call, name ? name : "", &zone, &mine, &ignored) == OK;
  if (known && mine) zone_free(zone);
  error_release(&ignored);
  *out = value_bool(known);
  return OK;
}

static const struct primitive_param no_params[] = {{NULL, NULL, NULL}};
static const struct primitive_param sleep_params[] = {{"time", "duration", "how long"},
                                                      {NULL, NULL, NULL}};
static const struct primitive_param local_params[] = {
    {"time", "time", "the moment"},
    {"zone", "text", "as \"America/New_York\"; from the package tzdata"},
    {NULL, NULL, NULL}};

static const struct primitive_param zone_params[] = {{"zone", "text", "as \"America/New_York\""},
                                                     {NULL, NULL, NULL}};

const struct primitive clock_now = {
    {"clock", "now", no_params, "time", EFFECT_READ, "What time it is; in a drill, there"}, now};
const struct primitive clock_monotone = {{"clock", "mono", no_params, "duration", EFFECT_READ,
                                          "Time since some moment; it never steps back"},
                                         mono};
const struct primitive clock_sleep = {
    {"clock", "sleep", sleep_params, "nil", EFFECT_READ,
     "Waits; cut short when the step's time is up or the run is cancelled"},
    pause_for};
const struct primitive clock_local = {
    {"clock", "local", local_params,
     "{year: integer, month: integer, day: integer, hour: integer, minute: integer, second: "
     "integer, "
     "wday: integer, yday: integer, time_of_day: duration, offset: duration, dst: boolean, "
     "zone: string}",
     EFFECT_READ, "What calendar and clock show there at a moment; wday 0 is Sunday"},
    local};
const struct primitive clock_zone = {
    {"clock", "zone?", zone_params, "boolean", EFFECT_READ, "Whether this machine knows the zone"},
    is_zone};
