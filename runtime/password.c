/* Characters that the policy asks for first, then of all that it allows, then all of them shuffled.
 */
#include "password.h"

#include "../lang/mem.h"
#include "digest.h"

static const struct {
  const char *name, *characters;
} classes[PASSWORD_CLASSES] = {
    [PASSWORD_LOWER] = {"lower", "abcdefghijklmnopqrstuvwxyz"},
    [PASSWORD_UPPER] = {"upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    [PASSWORD_DIGITS] = {"digits", "0123456789"},
    [PASSWORD_SYMBOLS] = {"symbols", "!#$%&()*+,-./:;<=>?@[]^_{|}~"},
};

/* A draw that falls into the last, incomplete run of n is thrown away: taking it would make small
 * numbers likelier. */
uint32_t random_below(uint32_t n) {
  uint32_t limit = UINT32_MAX - (UINT32_MAX % n + 1) % n, draw;
  do
    random_bytes(&draw, sizeof draw);
  while (draw > limit);
  return draw % n;
}

struct alphabet {
  char s[128];
  size_t len;
};

static void alphabet_add(struct alphabet *a, const char *characters, const char *exclude) {
  for (const char *c = characters; *c; c++)
    if (!exclude || !strchr(exclude, *c)) a->s[a->len++] = *c;
}

static char draw(const struct alphabet *a) {
  return a->s[random_below((uint32_t)a->len)];
}

static enum status check(const struct password_policy *p, const struct alphabet of[],
                         struct error *err) {
  size_t least = 0;
  for (size_t i = 0; i < PASSWORD_CLASSES; i++) {
    least += p->least[i];
    if (p->least[i] && !of[i].len)
      return error_set(err, ERR_VALUE, "%s: %zu are asked for, and exclude: leaves none",
                       classes[i].name, p->least[i]);
  }
  if (p->length < 1 || p->length > PASSWORD_MAX)
    return error_set(err, ERR_VALUE, "length: is from 1 to %d", PASSWORD_MAX);
  if (!least) return error_set(err, ERR_VALUE, "the policy allows no character at all");
  if (least > p->length)
    return error_set(err, ERR_VALUE, "length: %zu has no room for the %zu characters asked for",
                     p->length, least);
  return OK;
}

enum status password_make(const struct password_policy *p, char out[PASSWORD_MAX + 1],
                          struct error *err) {
  struct alphabet of[PASSWORD_CLASSES] = {0}, all = {0};
  size_t n = 0;
  for (size_t i = 0; i < PASSWORD_CLASSES; i++) {
    alphabet_add(&of[i], classes[i].characters, p->exclude);
    if (p->least[i]) alphabet_add(&all, classes[i].characters, p->exclude);
  }
  enum status s = check(p, of, err);
  if (s != OK) return s;
  for (size_t i = 0; i < PASSWORD_CLASSES; i++)
    for (size_t k = 0; k < p->least[i]; k++)
      out[n++] = draw(&of[i]);
  while (n < p->length)
    out[n++] = draw(&all);
  for (size_t i = n - 1; i > 0; i--) {
    size_t j = random_below((uint32_t)i + 1);
    char c = out[i];
    out[i] = out[j];
    out[j] = c;
  }
  out[n] = '\0';
  return OK;
}
