/* The tables of time zones: transitions in order, each to one of a few kinds of local time. */
#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../lang/buf.h"
#include "zone_rule.h"

enum { FILE_MAX = 256 << 10, HEAD = 44 };

struct kind {
  int32_t offset;
  bool dst;
  uint8_t name; /* where it starts in names */
};
struct zone {
  size_t count, kind_count;
  int64_t *times; /* of the transitions, ascending */
  uint8_t *to;    /* the kind from there on */
  struct kind *kinds;
  char *names; /* ends with NUL */
  bool has_rule;
  struct zone_rule rule; /* after the last transition */
};

/* --- reading --- */

struct head {
  uint32_t isut, isstd, leap, times, kinds, chars;
};

static uint32_t u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t i64(const uint8_t *p) {
  return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

static bool head_read(const uint8_t *p, size_t len, struct head *h) {
  if (len < HEAD || memcmp(p, "TZif", 4) != 0) return false;
  uint32_t *const counts[] = {&h->isut, &h->isstd, &h->leap, &h->times, &h->kinds, &h->chars};
  for (size_t i = 0; i < 6; i++) {
    *counts[i] = u32(p + 20 + 4 * i);
    if (*counts[i] > FILE_MAX) return false;
  }
  return h->kinds >= 1 && h->kinds <= 256 && h->chars >= 1 && h->chars <= 256;
}

static size_t body_size(const struct head *h, size_t width) {
  return h->times * (width + 1) + h->kinds * 6 + h->chars + h->leap * (width + 4) + h->isstd +
         h->isut;
}

static bool body_read(struct zone *z, const uint8_t *p, const struct head *h, size_t width) {
  z->times = mem_array(h->times + 1, sizeof *z->times);
  z->to = mem_array(h->times + 1, sizeof *z->to);
  z->kinds = mem_array(h->kinds, sizeof *z->kinds);
  z->count = h->times;
  z->kind_count = h->kinds;
  for (size_t i = 0; i < h->times; i++, p += width) {
    z->times[i] = width == 8 ? i64(p) : (int32_t)u32(p);
    if (i && z->times[i] <= z->times[i - 1]) return false;
  }
  for (size_t i = 0; i < h->times; i++, p++)
    if ((z->to[i] = *p) >= h->kinds) return false;
  for (size_t i = 0; i < h->kinds; i++, p += 6) {
    z->kinds[i] = (struct kind){(int32_t)u32(p), p[4] != 0, p[5]};
    if (p[5] >= h->chars || z->kinds[i].offset <= -90000 || z->kinds[i].offset >= 94000)
      return false;
  }
  z->names = mem_dup((const char *)p, h->chars);
  return true;
}

/* "\nEST5EDT,M3.2.0,M11.1.0\n": may be empty. */
static bool footer_read(struct zone *z, const uint8_t *p, size_t len) {
  const uint8_t *end = len > 1 && *p == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;
  if (!end) return false;
  z->has_rule = end > p + 1;
  return !z->has_rule || zone_rule_parse((const char *)p + 1, (size_t)(end - p) - 1, &z->rule);
}

static bool table_read(struct zone *z, const uint8_t *p, size_t len) {
  struct head h;
  if (!head_read(p, len, &h)) return false;
  size_t width = 4, skip = HEAD + body_size(&h, 4);
  if (p[4] >= '2') { /* the whole follows the old part, with times of 64 bits */
    if (skip > len) return false;
    p += skip;
    len -= skip;
    width = 8;
    if (!head_read(p, len, &h)) return false;
  }
  size_t size = HEAD + body_size(&h, width);
  if (size > len || !body_read(z, p + HEAD, &h, width)) return false;
  return width == 4 || footer_read(z, p + size, len - size);
}

bool zone_read(const void *bytes, size_t len, struct zone **out) {
  *out = mem_zalloc(sizeof **out);
  if (table_read(*out, bytes, len)) return true;
  zone_free(*out);
  *out = NULL;
  return false;
}

void zone_free(struct zone *z) {
  if (!z) return;
  mem_free(z->times);
  mem_free(z->to);
  mem_free(z->kinds);
  mem_free(z->names);
  mem_free(z);
}

/* --- the file --- */

/* A name stays below the directory. */
static bool is_name(const char *name) {
  size_t len = strlen(name);
  return len && len < 256 && *name != '/' && !strstr(name, "..") &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/.") == len;
}

static bool file_read(const char *path, struct buf *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  ssize_t n = -1;
  out->max = FILE_MAX;
  while (fd >= 0 && !out->overflow) {
    char piece[8192];
    n = read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    buf_add(out, piece, (size_t)n);
  }
  if (fd >= 0) close(fd);
  return fd >= 0 && n == 0 && !out->overflow;
}

enum status zone_open(const char *name, struct zone **out, struct error *err) {
  *out = NULL;
  if (strcmp(name, "UTC") == 0) {
    *out = mem_zalloc(sizeof **out);
    (*out)->has_rule = zone_rule_parse("UTC0", 4, &(*out)->rule);
    return OK;
  }
  const char *dir = getenv("TZDIR");
  struct buf path = BUF_INIT, bytes = BUF_INIT;
  buf_addf(&path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", name);
  bool good =
      is_name(name) && file_read(buf_str(&path), &bytes) && zone_read(bytes.data, bytes.len, out);
  buf_release(&path);
  buf_release(&bytes);
  if (good) return OK;
  error_set(err, ERR_VALUE, "this machine knows no time zone \"%s\"", name);
  error_help(err, "write it like \"America/New_York\"; zones come with the package tzdata");
  return ERR_VALUE;
}

/* --- asking --- */

struct zone_moment zone_at(const struct zone *z, int64_t at) {
  size_t lo = 0, hi = z->count; /* the transitions before hi are at or before `at` */
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (z->times[mid] <= at) lo = mid + 1;
    else hi = mid;
  }
  if (z->has_rule && lo == z->count) return zone_rule_at(&z->rule, at);
  const struct kind *k = &z->kinds[lo ? z->to[lo - 1] : 0];
  return (struct zone_moment){k->offset, k->dst, z->names + k->name};
}
