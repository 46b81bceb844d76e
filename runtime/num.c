/* Numbers: integers of 64 bits whose overflow is an error, floats as Ruby shows and rounds them. */
#include "method.h"

#include <float.h>
#include <math.h>

#include "../lang/limits.h"

/* -- helpers -- */

static double as_float(value v) {
  return v.tag == V_INT ? (double)v.u.i : v.u.f;
}

static enum status give_int(int64_t n, value *out) {
  *out = value_int(n);
  return OK;
}
static enum status give_bool(bool b, value *out) {
  *out = value_bool(b);
  return OK;
}

static enum status too_large(struct call *c) {
  fail(c, ERR_VALUE, "%s: the result does not fit an integer (64 bits)", c->method->name);
  return ERR_VALUE;
}

static enum status float_to_int(struct call *c, double f, value *out) {
  if (isnan(f)) return fail(c, ERR_VALUE, "NaN is no integer");
  if (isinf(f)) return fail(c, ERR_VALUE, "%sInfinity is no integer", f < 0 ? "-" : "");
  if (!(f >= -0x1p63 && f < 0x1p63)) return too_large(c);
  return give_int((int64_t)f, out);
}

/* -- questions and conversions -- */

enum status m_number_zero_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(as_float(self) == 0, out);
}
enum status m_number_positive_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(as_float(self) > 0, out);
}
enum status m_number_negative_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(as_float(self) < 0, out);
}
enum status m_integer_even_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(self.u.i % 2 == 0, out);
}
enum status m_integer_odd_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(self.u.i % 2 != 0, out);
}
enum status m_float_nan_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(isnan(self.u.f), out);
}
enum status m_float_finite_q(struct call *c, value self, value *out) {
  (void)c;
  return give_bool(isfinite(self.u.f), out);
}

enum status m_number_to_f(struct call *c, value self, value *out) {
  (void)c;
  *out = value_float(as_float(self));
  return OK;
}
enum status m_number_to_i(struct call *c, value self, value *out) {
  return self.tag == V_INT ? give_int(self.u.i, out) : float_to_int(c, trunc(self.u.f), out);
}

enum status m_integer_to_s(struct call *c, value self, value *out) {
  int64_t base = c->count ? c->args[0].u.i : 10;
  if (base < 2 || base > 36)
    return fail(c, ERR_VALUE, "to_s takes a base from 2 to 36, not %lld", (long long)base);
  uint64_t u = self.u.i < 0 ? 0 - (uint64_t)self.u.i : (uint64_t)self.u.i;
  char s[66];
  size_t at = sizeof s;
  do
    s[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[u % (uint64_t)base], u /= (uint64_t)base;
  while (u);
  if (self.u.i < 0) s[--at] = '-';
  *out = value_string(s + at, sizeof s - at);
  return OK;
}

enum status m_number_abs(struct call *c, value self, value *out) {
  if (self.tag == V_FLOAT) return *out = value_float(fabs(self.u.f)), OK;
  if (self.u.i == INT64_MIN) return too_large(c);
  return give_int(self.u.i < 0 ? -self.u.i : self.u.i, out);
}

/* -- between?, clamp: for numbers, durations and times alike -- */

static enum status between(struct call *c, value self, value *out) {
  int low, high;
  enum status st = op_compare(c, self, c->args[0], &low);
  if (st == OK) st = op_compare(c, self, c->args[1], &high);
  return st == OK ? give_bool(low >= 0 && high <= 0, out) : st;
}
METHOD_SAME(number_between_q, between)
METHOD_SAME(duration_between_q, between)
METHOD_SAME(time_between_q, between)

static enum status clamp(struct call *c, value self, value *out) {
  value lo = c->args[0], hi = c->count > 1 ? c->args[1] : VALUE_NIL;
  if (lo.tag == V_RANGE && c->count == 1) {
    struct range *r = value_rng(lo);
    if (r->exclusive && r->hi.tag != V_NIL)
      return fail(c, ERR_VALUE, "clamp takes a range with its end (..), not without (...)");
    hi = r->hi;
    lo = r->lo;
  } else if (c->count == 1) {
    return fail(c, ERR_TYPE, "clamp takes a smallest and a largest value, or a range");
  }
  int order = 0;
  enum status st = OK;
  if (lo.tag != V_NIL && hi.tag != V_NIL) st = op_compare(c, lo, hi, &order);
  if (st == OK && order > 0)
    return fail(c, ERR_VALUE, "clamp: the smallest value is larger than the largest");
  if (st == OK && lo.tag != V_NIL) st = op_compare(c, self, lo, &order);
  if (st == OK && lo.tag != V_NIL && order < 0) return *out = lo, OK;
  if (st == OK && hi.tag != V_NIL) st = op_compare(c, self, hi, &order);
  if (st == OK) *out = hi.tag != V_NIL && order > 0 ? hi : self;
  return st;
}
METHOD_SAME(number_clamp, clamp)
METHOD_SAME(duration_clamp, clamp)
METHOD_SAME(time_clamp, clamp)

/* -- rounding -- */

enum rounding { ROUND, FLOOR, CEIL };

/* n to a multiple of 10**digits, away from zero at the half. */
static enum status round_int(struct call *c, int64_t n, int64_t digits, enum rounding how,
                             value *out) {
  int64_t unit = 1;
  for (int64_t i = 0; i < digits; i++)
    if (__builtin_mul_overflow(unit, 10, &unit)) {
      const int64_t half = 5 * INT64_C(1000000000000000000); /* of 10**19 */
      bool away = how == CEIL    ? n > 0
                  : how == FLOOR ? n < 0
                                 : digits == 19 && (n >= half || n <= -half);
      return away ? too_large(c) : give_int(0, out);
    }
  int64_t rest = n % unit;
  if (rest < 0) rest += unit;
  if (rest == 0) return give_int(n, out);
  bool up = how == CEIL || (how == ROUND && (rest > unit - rest || (rest == unit - rest && n > 0)));
  int64_t result;
  if (__builtin_sub_overflow(n, rest, &result)) return too_large(c);
  if (up && __builtin_add_overflow(result, unit, &result)) return too_large(c);
  return give_int(result, out);
}

/* Whether f has no more than `digits` decimals anyway, and whether it vanishes before them (the
 * bounds that Ruby uses). */
static bool keeps_all(double f, int64_t digits) {
  int e;
  frexp(f, &e);
  return digits >= DBL_DIG + 2 - (e > 0 ? e / 4 : e / 3 - 1);
}
static bool keeps_none(double f, int64_t digits) {
  int e;
  frexp(f, &e);
  return digits < -(e > 0 ? e / 3 + 1 : e / 4);
}

/* x * s rounded, mended where the product was rounded up across the half. */
static double round_half_up(double x, double s) {
  double f = round(x * s);
  if (s == 1.0) return f;
  if (x > 0) return (double)((f + 0.5) / s) <= x ? f + 1 : f;
  return (double)((f - 0.5) / s) >= x ? f - 1 : f;
}

static double floor_digits(double f, double s) {
  double whole = floor(f * s), more = (whole + 1) / s;
  return more > f ? whole / s : more;
}
static double ceil_digits(double f, double s) {
  double whole = ceil(f * s), less = (whole - 1) / s;
  return less < f ? whole / s : less;
}

static enum status round_digits(double f, int64_t digits, enum rounding how, value *out) {
  double s = pow(10, (double)digits), x = f;
  if (f == 0 || !isfinite(f) || keeps_all(f, digits)) x = f;
  else if (keeps_none(f, digits))
    x = how == FLOOR && f < 0 ? -1 / s : how == CEIL && f > 0 ? 1 / s : 0.0;
  else if (how == FLOOR) x = floor_digits(f, s);
  else if (how == CEIL) x = ceil_digits(f, s);
  else if (digits > 14) {
    char text[400];
    snprintf(text, sizeof text, "%.*f", (int)digits, f);
    x = strtod(text, NULL) + 0.0; /* no -0.0 */
  } else x = round_half_up(f, s) / s;
  *out = value_float(x);
  return OK;
}

static enum status round_any(struct call *c, value self, enum rounding how, value *out) {
  int64_t digits = c->count ? c->args[0].u.i : 0;
  if (self.tag == V_INT)
    return digits >= 0
               ? give_int(self.u.i, out)
               : round_int(c, self.u.i, digits == INT64_MIN ? INT64_MAX : -digits, how, out);
  double f = self.u.f;
  if (digits > 0) return round_digits(f, digits, how, out);
  double whole = how == FLOOR ? floor(f) : how == CEIL ? ceil(f) : round_half_up(f, 1.0);
  enum status st = float_to_int(c, whole, out);
  if (st != OK || digits == 0) return st;
  /* to tens and up, the fraction matters only to which side of a multiple it lies */
  int64_t n = how == CEIL ? (int64_t)ceil(f) : how == FLOOR ? (int64_t)floor(f) : (int64_t)trunc(f);
  return round_int(c, n, digits == INT64_MIN ? INT64_MAX : -digits, how, out);
}

enum status m_number_round(struct call *c, value self, value *out) {
  return round_any(c, self, ROUND, out);
}
enum status m_number_floor(struct call *c, value self, value *out) {
  return round_any(c, self, FLOOR, out);
}
enum status m_number_ceil(struct call *c, value self, value *out) {
  return round_any(c, self, CEIL, out);
}

/* -- units -- */

enum status m_number_percent(struct call *c, value self, value *out) {
  (void)c;
  *out = value_float(as_float(self) / 100.0);
  return OK;
}

static enum status scaled(struct call *c, value self, int64_t unit, int64_t *out) {
  if (self.tag == V_INT) return __builtin_mul_overflow(self.u.i, unit, out) ? too_large(c) : OK;
  double f = round(self.u.f * (double)unit);
  if (!(f >= -0x1p63 && f < 0x1p63)) return too_large(c);
  *out = (int64_t)f;
  return OK;
}

static enum status duration_of(struct call *c, value self, int64_t unit, value *out) {
  int64_t us;
  enum status st = scaled(c, self, unit, &us);
  if (st == OK) *out = value_duration(us);
  return st;
}
static enum status bytes_of(struct call *c, value self, int64_t unit, value *out) {
  int64_t n;
  enum status st = scaled(c, self, unit, &n);
  return st == OK ? give_int(n, out) : st;
}

#define UNIT(name, fn, size)                                                                       \
  enum status m_number_##name(struct call *c, value self, value *out) {                            \
    return fn(c, self, size, out);                                                                 \
  }                                                                                                \
  enum status m_number_##name##s(struct call *c, value self, value *out) {                         \
    return fn(c, self, size, out);                                                                 \
  }
UNIT(millisecond, duration_of, 1000)
UNIT(second, duration_of, 1000000)
UNIT(minute, duration_of, 60 * INT64_C(1000000))
UNIT(hour, duration_of, 3600 * INT64_C(1000000))
UNIT(day, duration_of, 86400 * INT64_C(1000000))
UNIT(week, duration_of, 7 * 86400 * INT64_C(1000000))
UNIT(byte, bytes_of, 1)
UNIT(kilobyte, bytes_of, 1 << 10)
UNIT(megabyte, bytes_of, 1 << 20)
UNIT(gigabyte, bytes_of, 1 << 30)
