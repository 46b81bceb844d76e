/* The two clocks behind one interface. */
#include "clock.h"

#include "../lang/mem.h"

void clock_real(struct clock *c) {
  *c = (struct clock){0};
}

void clock_virtual(struct clock *c, int64_t wall_us) {
  *c = (struct clock){.is_virtual = true, .wall = wall_us, .mono = 1};
}

static int64_t machine(clockid_t id) {
  struct timespec ts;
  clock_gettime(id, &ts);
  return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall(const struct clock *c) {
  return c->is_virtual ? c->wall : machine(CLOCK_REALTIME);
}

int64_t clock_mono(const struct clock *c) {
  return c->is_virtual ? c->mono : machine(CLOCK_MONOTONIC);
}

void clock_advance(struct clock *c, int64_t by_us) {
  if (!c->is_virtual || by_us <= 0) return;
  c->wall = clock_add(c->wall, by_us);
  c->mono = clock_add(c->mono, by_us);
}

int64_t clock_add(int64_t from, int64_t by_us) {
  int64_t sum;
  if (from == CLOCK_NEVER || by_us == CLOCK_NEVER) return CLOCK_NEVER;
  return __builtin_add_overflow(from, by_us, &sum) ? CLOCK_NEVER : sum;
}

void took_text(int64_t us, char out[32]) {
  static const struct {
    int64_t unit;
    const char *name;
  } units[] = {
      {24 * US_HOUR, "day"}, {US_HOUR, "hour"}, {US_MINUTE, "minute"}, {US_SECOND, "second"}};
  if (us < US_SECOND) {
    snprintf(out, 32, "%lld ms", (long long)((us + 500) / 1000));
    return;
  }
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (us < units[i].unit) continue;
    int64_t whole = us / units[i].unit, tenth = us % units[i].unit * 10 / units[i].unit;
    if (tenth && whole < 10)
      snprintf(out, 32, "%lld.%lld %ss", (long long)whole, (long long)tenth, units[i].name);
    else snprintf(out, 32, "%lld %s%s", (long long)whole, units[i].name, whole == 1 ? "" : "s");
    return;
  }
}
