/* The byte form of an event and its hash.
 *
 * The fixed part is exactly one SHA-256 block (64 bytes), so it costs one compression; the short
 * texts are gathered on the stack and the data is hashed where it lies. */
#include "journal_inner.h"

#include <endian.h>

enum { HEADER = 64, GATHER = 512 };

const uint8_t chain_genesis[SHA256_SIZE] = {0};

static uint8_t *put_u32(uint8_t *to, uint32_t n) {
  n = htobe32(n);
  memcpy(to, &n, sizeof n);
  return to + sizeof n;
}

static uint8_t *put_u64(uint8_t *to, uint64_t n) {
  n = htobe64(n);
  memcpy(to, &n, sizeof n);
  return to + sizeof n;
}

static uint8_t *put_bytes(uint8_t *to, const void *p, size_t len) {
  if (len) memcpy(to, p, len);
  return to + len;
}

void chain_hash(const struct link_fields *f, uint8_t out[SHA256_SIZE]) {
  uint8_t bytes[HEADER + GATHER];
  uint8_t *at = put_bytes(bytes, "stepwise/event/1", 16);
  at = put_bytes(at, f->prev, SHA256_SIZE);
  at = put_u64(at, (uint64_t)f->seq);
  at = put_u64(at, (uint64_t)f->time_us);
  struct sha256 h;
  sha256_begin(&h);
  for (const struct piece *p = f->piece; p < f->piece + PIECES; p++) {
    if ((size_t)(bytes + sizeof bytes - at) < 4 + (size_t)p->len) {
      sha256_add(&h, bytes, (size_t)(at - bytes));
      at = bytes;
    }
    at = put_u32(at, p->len);
    if (p->len <= sizeof bytes - 4) {
      at = put_bytes(at, p->p, p->len);
      continue;
    }
    sha256_add(&h, bytes, (size_t)(at - bytes));
    sha256_add(&h, p->p, p->len);
    at = bytes;
  }
  sha256_add(&h, bytes, (size_t)(at - bytes));
  sha256_end(&h, out);
}
