/* SHA-256, HMAC, random bytes, hex.
 *
 * OpenSSL's SHA256_* are used and not its EVP layer: the first EVP call reads openssl.cnf and sets
 * up providers, 1 ms of a process that should start in 5, and linking it adds 4 MiB and 16,000
 * relocations. The code that hashes is the same. For the same reason HMAC is spelt out (it is two
 * digests) and randomness comes from the kernel. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"
#include "../lang/mem.h"

#include <errno.h>
#include <openssl/sha.h>
#include <sys/random.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 holds OpenSSL's state");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "and is aligned for it");

static SHA256_CTX *context(struct sha256 *h) {
  return (SHA256_CTX *)(void *)h->opaque;
}

void sha256_begin(struct sha256 *h) {
  SHA256_Init(context(h));
}

void sha256_add(struct sha256 *h, const void *p, size_t len) {
  if (len) SHA256_Update(context(h), p, len);
}

void sha256_end(struct sha256 *h, uint8_t out[SHA256_SIZE]) {
  SHA256_Final(out, context(h));
}

void sha256_of(const void *p, size_t len, uint8_t out[SHA256_SIZE]) {
  struct sha256 h;
  sha256_begin(&h);
  sha256_add(&h, p, len);
  sha256_end(&h, out);
}

void sha256_hex_of(const void *p, size_t len, char out[SHA256_HEX]) {
  uint8_t digest[SHA256_SIZE];
  sha256_of(p, len, digest);
  hex_write(digest, sizeof digest, out);
}

/* Begins a digest with the key block, every byte xored with pad. */
static void hmac_begin(struct sha256 *h, const uint8_t key[SHA256_CBLOCK], uint8_t pad) {
  uint8_t block[SHA256_CBLOCK];
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = key[i] ^ pad;
  sha256_begin(h);
  sha256_add(h, block, sizeof block);
  explicit_bzero(block, sizeof block);
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t len,
                 uint8_t out[SHA256_SIZE]) {
  uint8_t block[SHA256_CBLOCK] = {0}, inner[SHA256_SIZE];
  struct sha256 h;
  if (key_len > sizeof block) sha256_of(key, key_len, block);
  else if (key_len) memcpy(block, key, key_len);
  hmac_begin(&h, block, 0x36);
  sha256_add(&h, p, len);
  sha256_end(&h, inner);
  hmac_begin(&h, block, 0x5c);
  sha256_add(&h, inner, sizeof inner);
  sha256_end(&h, out);
  explicit_bzero(block, sizeof block);
  explicit_bzero(inner, sizeof inner);
}

/* --- by name --- */

struct digest {
  const char *name;
  size_t size, block;
  unsigned char *(*of)(const unsigned char *p, size_t len, unsigned char *out);
};

static const struct digest digests[] = {
    {"sha1", SHA_DIGEST_LENGTH, SHA_CBLOCK, SHA1},
    {"sha256", SHA256_SIZE, SHA256_CBLOCK, SHA256},
    {"sha512", SHA512_DIGEST_LENGTH, SHA512_CBLOCK, SHA512},
};

/* The digest of the key's block, every byte xored with pad, and what follows it. */
static void hmac_half(const struct digest *d, const uint8_t *key, uint8_t pad, const void *p,
                      size_t len, uint8_t *out) {
  uint8_t *whole = mem_alloc(d->block + len);
  for (size_t i = 0; i < d->block; i++)
    whole[i] = key[i] ^ pad;
  if (len) memcpy(whole + d->block, p, len);
  d->of(whole, d->block + len, out);
  explicit_bzero(whole, d->block + len);
  mem_free(whole);
}

size_t hmac_named(const char *digest, const void *key, size_t key_len, const void *p, size_t len,
                  uint8_t out[DIGEST_MAX]) {
  uint8_t block[SHA512_CBLOCK] = {0}, inner[DIGEST_MAX];
  const struct digest *d = NULL;
  for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
    if (strcmp(digests[i].name, digest) == 0) d = &digests[i];
  if (!d) return 0;
  if (key_len > d->block) d->of(key, key_len, block);
  else if (key_len) memcpy(block, key, key_len);
  hmac_half(d, block, 0x36, p, len, inner);
  hmac_half(d, block, 0x5c, inner, d->size, out);
  explicit_bzero(block, sizeof block);
  explicit_bzero(inner, sizeof inner);
  return d->size;
}

void random_bytes(void *out, size_t len) {
  uint8_t *at = out;
  while (len) {
    ssize_t n = getrandom(at, len, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      fputs("stepwise: the kernel gives no random bytes\n", stderr);
      exit(9);
    }
    at += n;
    len -= (size_t)n;
  }
}

void hex_write(const void *p, size_t len, char *out) {
  static const char digit[] = "0123456789abcdef";
  const uint8_t *at = p;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digit[at[i] >> 4];
    out[2 * i + 1] = digit[at[i] & 15];
  }
  out[2 * len] = '\0';
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool hex_read(const char *text, size_t len, uint8_t *out) {
  for (size_t i = 0; i < len; i++) {
    int high = hex_digit(text[2 * i]);
    int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
    if (low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool bytes_equal(const void *a, const void *b, size_t len) {
  const uint8_t *x = a, *y = b;
  uint8_t differ = 0;
  for (size_t i = 0; i < len; i++)
    differ |= x[i] ^ y[i];
  return differ == 0;
}
