/* Numbers without their methods: how floats are written, how any two compare, how texts are read.
 */
#include "text.h"

#include <float.h>
#include <math.h>

/* -- text -- */

/* The shortest digits that read back as f: 15 usually do, 17 always. */
static void shortest(double f, char *s, size_t size) {
  for (int n = fabs(f) < DBL_MIN ? 0 : 14; n <= 16; n++) {
    snprintf(s, size, "%.*e", n, f);
    if (strtod(s, NULL) == f) return;
  }
}

/* s is "d.ddde[+-]xx": digits without point and trailing zeros, and the exponent. */
static size_t digits_of(const char *s, char *digits, int *exponent) {
  size_t n = 0;
  for (; *s && *s != 'e'; s++)
    if (*s != '.') digits[n++] = *s;
  while (n > 1 && digits[n - 1] == '0')
    n--;
  *exponent = atoi(s + 1);
  return n;
}

void float_text(double f, struct buf *out) {
  if (isnan(f)) return buf_adds(out, "NaN");
  if (signbit(f)) buf_addc(out, '-');
  if (isinf(f)) return buf_adds(out, "Infinity");
  char s[40], digits[40];
  int e;
  shortest(fabs(f), s, sizeof s);
  size_t n = digits_of(s, digits, &e);
  if (e < -4 || (e >= 15 && (int)n <= e + 1)) {
    buf_addf(out, "%c.%.*se%c%02d", digits[0], n > 1 ? (int)n - 1 : 1, n > 1 ? digits + 1 : "0",
             e < 0 ? '-' : '+', abs(e));
  } else if (e < 0) {
    buf_adds(out, "0.");
    buf_addn(out, (size_t)(-e - 1), '0');
    buf_add(out, digits, n);
  } else {
    size_t whole = (size_t)e + 1;
    buf_add(out, digits, n < whole ? n : whole);
    if (n < whole) buf_addn(out, whole - n, '0');
    buf_addc(out, '.');
    buf_add(out, n > whole ? digits + whole : "0", n > whole ? n - whole : 1);
  }
}

/* -- comparing -- */

static int compare_int(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

/* A double past 2**53 may be no integer's equal: compare as integers where both are. */
static int compare_mixed(int64_t a, double b) {
  if (isnan(b)) return 2;
  if (b >= 0x1p63) return -1;
  if (b < -0x1p63) return 1;
  double whole = trunc(b);
  int order = compare_int(a, (int64_t)whole);
  return order ? order : b > whole ? -1 : b < whole;
}

int number_compare(value a, value b) {
  if (a.tag == V_INT && b.tag == V_INT) return compare_int(a.u.i, b.u.i);
  if (a.tag == V_INT) return compare_mixed(a.u.i, b.u.f);
  if (b.tag == V_INT) {
    int order = compare_mixed(b.u.i, a.u.f);
    return order == 2 ? 2 : -order;
  }
  if (isnan(a.u.f) || isnan(b.u.f)) return 2;
  return a.u.f < b.u.f ? -1 : a.u.f > b.u.f;
}

/* -- from text -- */

static struct text strip(struct text t, bool right) {
  while (t.len && (*t.s == ' ' || (*t.s >= '\t' && *t.s <= '\r')))
    t.s++, t.len--;
  while (right && t.len &&
         (t.s[t.len - 1] == ' ' || (t.s[t.len - 1] >= '\t' && t.s[t.len - 1] <= '\r')))
    t.len--;
  return t;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

/* 0x, 0b and 0o stand before digits of their own base. */
static void skip_prefix(struct text *t, unsigned base) {
  char mark = base == 16 ? 'x' : base == 2 ? 'b' : base == 8 ? 'o' : 0;
  if (mark && t->len > 2 && t->s[0] == '0' && (t->s[1] | 32) == mark &&
      digit_of(t->s[2]) < (int)base)
    t->s += 2, t->len -= 2;
}

bool text_to_int(struct text t, unsigned base, bool whole, int64_t *out) {
  t = strip(t, whole);
  bool negative = t.len && *t.s == '-';
  if (t.len && (*t.s == '-' || *t.s == '+')) t.s++, t.len--;
  skip_prefix(&t, base);
  int64_t n = 0;
  size_t i = 0;
  for (; i < t.len; i++) {
    int d = digit_of(t.s[i]);
    bool gap = t.s[i] == '_' && i > 0 && i + 1 < t.len && digit_of(t.s[i + 1]) < (int)base &&
               t.s[i - 1] != '_';
    if (gap) continue;
    if (d >= (int)base) break;
    if (__builtin_mul_overflow(n, (int64_t)base, &n)) return false;
    if (__builtin_add_overflow(n, negative ? -d : d, &n)) return false;
  }
  *out = n;
  return !whole || (i == t.len && i > 0);
}

static size_t digits(struct text t, size_t i, struct buf *b) {
  for (; i < t.len; i++) {
    if (t.s[i] == '_' && i && digit_of(t.s[i - 1]) < 10 && i + 1 < t.len &&
        digit_of(t.s[i + 1]) < 10)
      continue;
    if (digit_of(t.s[i]) >= 10) break;
    buf_addc(b, t.s[i]);
  }
  return i;
}

bool text_to_float(struct text t, bool whole, double *out) {
  t = strip(t, whole);
  struct buf b = BUF_INIT;
  size_t i = 0;
  if (t.len && (*t.s == '-' || *t.s == '+')) buf_addc(&b, t.s[i++]);
  size_t start = i;
  i = digits(t, i, &b);
  if (i + 1 < t.len && t.s[i] == '.' && digit_of(t.s[i + 1]) < 10) {
    buf_addc(&b, '.');
    i = digits(t, i + 1, &b);
  }
  bool some = i > start;
  size_t e = i + 1;
  if (e < t.len && (t.s[e] == '-' || t.s[e] == '+')) e++;
  if (some && i < t.len && (t.s[i] | 32) == 'e' && e < t.len && digit_of(t.s[e]) < 10) {
    buf_add(&b, t.s + i, e - i);
    i = digits(t, e, &b);
  }
  *out = some ? strtod(buf_str(&b), NULL) : 0.0;
  buf_release(&b);
  return !whole || (some && i == t.len);
}

void count_text(int64_t n, struct buf *out) {
  char digits[24];
  size_t len = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)n);
  for (size_t i = 0; i < len; i++) {
    if (i && (len - i) % 3 == 0 && digits[i - 1] != '-') buf_addc(out, ',');
    buf_addc(out, digits[i]);
  }
}
