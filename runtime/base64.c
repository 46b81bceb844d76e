/* Three bytes are four characters. */
#include "base64.h"

#include "../lang/mem.h"

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_add(const void *p, size_t len, bool url, struct buf *out) {
  const uint8_t *s = p;
  const char *digits = url ? for_url : plain;
  for (size_t i = 0; i < len; i += 3) {
    size_t have = len - i < 3 ? len - i : 3;
    uint32_t n =
        (uint32_t)s[i] << 16 | (have > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (have > 2 ? s[i + 2] : 0);
    for (size_t j = 0; j <= have; j++)
      buf_addc(out, digits[n >> (18 - 6 * j) & 63]);
    for (size_t j = have; !url && j < 3; j++)
      buf_addc(out, '=');
  }
}

static int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool base64_read(const char *s, size_t len, struct buf *out) {
  uint32_t bits = 0;
  unsigned have = 0; /* bits that wait for more */
  size_t count = 0, pads = 0;
  for (size_t i = 0; i < len; i++) {
    if (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') continue;
    pads += s[i] == '=';
    if (s[i] == '=') continue;
    int d = digit(s[i]);
    if (d < 0 || pads) return false;
    bits = (bits << 6 | (uint32_t)d) & 0xFFFF;
    have += 6;
    count++;
    if (have < 8) continue;
    have -= 8;
    buf_addc(out, (char)(bits >> have & 255));
  }
  bool whole = count % 4 != 1 && (!pads || (count + pads) % 4 == 0);
  return whole && !(bits & ((1u << have) - 1)); /* what is left of the last one is zero */
}
