/* SHA-256, HMAC, random bytes, hex. The only door to OpenSSL.
 *
 * Digests are fed in pieces or at once; nothing allocates and nothing can fail. */
#ifndef STEPWISE_DIGEST_H
#define STEPWISE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX = 65 }; /* bytes; hex characters and a NUL */

/* A digest being made. Lives on the stack; sha256_end may be followed by sha256_begin. */
struct sha256 {
  uint64_t opaque[14];
};

void sha256_begin(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t len);
void sha256_end(struct sha256 *h, uint8_t out[SHA256_SIZE]);
void sha256_of(const void *p, size_t len, uint8_t out[SHA256_SIZE]);
void sha256_hex_of(const void *p, size_t len, char out[SHA256_HEX]);
/* HMAC-SHA-256 (RFC 2104). */
void hmac_sha256(const void *key, size_t key_len, const void *p, size_t len,
                 uint8_t out[SHA256_SIZE]);

/* The same by the name of a digest, "sha1", "sha256" or "sha512": the bytes written; 0: no such
 * digest. sha1 is for providers that sign so. */
enum { DIGEST_MAX = 64 };
size_t hmac_named(const char *digest, const void *key, size_t key_len, const void *p, size_t len,
                  uint8_t out[DIGEST_MAX]);

/* From the kernel's generator; ends the process (code 9) in the one case that it has none. */
void random_bytes(void *out, size_t len);

/* Lower case, 2 * len characters and a NUL. */
void hex_write(const void *p, size_t len, char *out);
/* Reads exactly 2 * len hex digits of either case; false when a character is not one. */
bool hex_read(const char *text, size_t len, uint8_t *out);
/* No early exit: tells nothing by its time. */
bool bytes_equal(const void *a, const void *b, size_t len);

#endif
