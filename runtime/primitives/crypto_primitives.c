/* The primitives of the group `crypto`: passwords, tokens, digests, signatures, base64. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../base64.h"
#include "../digest.h"
#include "../password.h"
#include "../task.h"
#include "../utf8.h"
#include "args.h"

/* --- passwords and tokens --- */

static enum status password(struct primitive_call *call, const value *args, value *out,
                            struct error *err) {
  char text[PASSWORD_MAX + 1];
  struct password_policy p = {.exclude = arg_text(call, args[5])};
  int64_t length = arg_integer(args[0], 20);
  if (length < 1 || length > PASSWORD_MAX) return arg_bad(err, "length: is from 1 to %d", PASSWORD_MAX);
  p.length = (size_t)length;
  for (size_t i = 0; i < PASSWORD_CLASSES; i++) {
    int64_t least = arg_integer(args[1 + i], 1);
    if (least < 0 || least > PASSWORD_MAX)
      return arg_bad(err, "a number of characters is from 0 to %d", PASSWORD_MAX);
    p.least[i] = (size_t)least;
  }
  enum status s = password_make(&p, text, err);
  if (s == OK) *out = value_secret(value_cstr(text));
  else error_kind(err, "validation");
  explicit_bzero(text, sizeof text);
  return s;
}

enum form { FORM_HEX, FORM_BASE64, FORM_BASE64URL };

static bool take_form(const struct primitive_call *call, value v, enum form *form,
                      struct error *err) {
  static const char *const names[] = {"hex", "base64", "base64url"};
  const char *s = arg_text(call, v);
  if (!s) return true;
  for (size_t i = 0; i < 3; i++)
    if (strcmp(s, names[i]) == 0) return *form = (enum form)i, true;
  arg_bad(err, "encoding: is :hex, :base64 or :base64url, not %.40s", s);
  return false;
}

static value formed(const uint8_t *bytes, size_t len, enum form form) {
  struct buf b = BUF_INIT;
  char hex[2 * DIGEST_MAX + 1];
  if (form != FORM_HEX) base64_add(bytes, len, form == FORM_BASE64URL, &b);
  for (size_t i = 0; form == FORM_HEX && i < len; i += DIGEST_MAX) {
    hex_write(bytes + i, len - i < DIGEST_MAX ? len - i : DIGEST_MAX, hex);
    buf_adds(&b, hex);
  }
  value v = value_string(buf_str(&b), b.len);
  if (b.data) explicit_bzero(b.data, b.len);
  buf_release(&b);
  return v;
}

static enum status token(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  enum { MOST = 1024 };
  uint8_t bytes[MOST];
  enum form form = FORM_BASE64URL;
  int64_t n = arg_integer(args[0], 32);
  if (n < 16 || n > MOST) return arg_bad(err, "bytes: is from 16 to %d", MOST);
  if (!take_form(call, args[1], &form, err)) return ERR_VALUE;
  random_bytes(bytes, (size_t)n);
  *out = value_secret(formed(bytes, (size_t)n, form));
  explicit_bzero(bytes, sizeof bytes);
  return OK;
}

/* --- digests --- */

struct file_job {
  const char *path;
  int fd;
  struct sha256 digest;
  bool ended;
  int why; /* errno, or 0 */
};

/* A piece at a time, so that a large file can be given up in between. */
static void file_piece(void *arg) {
  enum { PIECE = 1 << 16, PIECES = 64 };
  struct file_job *j = arg;
  char *piece = mem_alloc(PIECE);
  if (j->fd < 0) j->fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  for (size_t i = 0; !j->ended && i < PIECES; i++) {
    ssize_t n = j->fd < 0 ? -1 : read(j->fd, piece, PIECE);
    if (n < 0 && j->fd >= 0 && errno == EINTR) continue;
    if (n < 0) j->why = errno;
    if (n > 0) sha256_add(&j->digest, piece, (size_t)n);
    else j->ended = true;
  }
  mem_free(piece);
}

static enum status digest_file(struct primitive_call *call, const char *path,
                               uint8_t out[SHA256_SIZE], struct error *err) {
  struct file_job j = {.path = path, .fd = -1};
  enum status s = OK;
  sha256_begin(&j.digest);
  while (s == OK && !j.ended) {
    if (call->tasks) task_blocking(call->tasks, file_piece, &j);
    else file_piece(&j);
    if (call->tasks && !j.ended) s = task_poll(call->tasks, err);
  }
  if (j.fd >= 0) close(j.fd);
  sha256_end(&j.digest, out);
  if (s == OK && j.why)
    s = arg_fail(err, j.why == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                 j.why == EACCES ? "permission" : "validation", "cannot read %s: %s", path,
                 strerror(j.why));
  return s;
}

/* What a secret's digest tells could be found by trying: it stays a secret. */
static enum status sha256(struct primitive_call *call, const value *args, value *out,
                          struct error *err) {
  uint8_t digest[SHA256_SIZE];
  enum form form = FORM_HEX;
  const char *text = arg_text(call, args[0]), *path = arg_text(call, args[1]);
  if (!text == !path) return arg_bad(err, "say text: or path:");
  if (!take_form(call, args[2], &form, err)) return ERR_VALUE;
  enum status s = OK;
  if (text) sha256_of(text, strlen(text), digest);
  else s = digest_file(call, path, digest, err);
  if (s != OK) return s;
  *out = formed(digest, sizeof digest, form);
  if (args[0].tag == V_SECRET) *out = value_secret(*out);
  return OK;
}

static enum status hmac(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  uint8_t digest[DIGEST_MAX];
  enum form form = FORM_HEX;
  const char *key = arg_text(call, args[0]), *text = arg_text(call, args[1]),
             *name = arg_text(call, args[2]);
  if (!key || !*key) return arg_bad(err, "key: is empty");
  if (!take_form(call, args[3], &form, err)) return ERR_VALUE;
  size_t n = hmac_named(name ? name : "sha256", key, strlen(key), text ? text : "",
                        text ? strlen(text) : 0, digest);
  if (!n) return arg_bad(err, "algorithm: is :sha256, :sha512 or :sha1, not %.40s", name);
  *out = formed(digest, n, form);
  return OK;
}

static enum status equal(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
  const char *x = arg_text(call, args[0]), *y = arg_text(call, args[1]);
  if (!x || !y) return arg_bad(err, "both are texts");
  sha256_of(x, strlen(x), a); /* of one length, whatever theirs is */
  sha256_of(y, strlen(y), b);
  *out = value_bool(bytes_equal(a, b, sizeof a));
  return OK;
}

/* --- base64 --- */

static value as_secret_as(value from, value owned) {
  return from.tag == V_SECRET ? value_secret(owned) : owned;
}

static enum status to_base64(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  const char *s = arg_text(call, args[0]);
  if (!s) return arg_bad(err, "text: is %s, not a text", value_type_name(args[0]));
  *out = as_secret_as(args[0], formed((const uint8_t *)s, strlen(s),
                                      arg_true(args[1], false) ? FORM_BASE64URL : FORM_BASE64));
  return OK;
}

static enum status from_base64(struct primitive_call *call, const value *args, value *out,
                               struct error *err) {
  struct buf b = BUF_INIT;
  const char *s = arg_text(call, args[0]);
  enum status st = OK;
  if (!s) return arg_bad(err, "text: is %s, not a text", value_type_name(args[0]));
  if (!base64_read(s, strlen(s), &b)) st = arg_bad(err, "text: is not base64");
  else if (!utf8_valid(buf_str(&b), b.len) || memchr(buf_str(&b), 0, b.len))
    st = arg_bad(err, "text: stands for bytes that are no text");
  else *out = as_secret_as(args[0], value_string(buf_str(&b), b.len));
  if (b.data) explicit_bzero(b.data, b.len);
  buf_release(&b);
  return st;
}

#define END                                                                                        \
  { NULL, NULL, NULL }
#define ENCODING(unless)                                                                           \
  { "encoding", "symbol?", ":hex, :base64 or :base64url; " unless " unless said" }

static const struct primitive_param password_params[] = {
    {"length", "integer?", "characters, at most 256; 20 unless said"},
    {"lower", "integer?", "at least so many small letters; 1 unless said, 0: none at all"},
    {"upper", "integer?", "at least so many capitals; as lower"},
    {"digits", "integer?", "at least so many digits; as lower"},
    {"symbols", "integer?", "at least so many of !#$%&()*+,-./:;<=>?@[]^_{|}~; as lower"},
    {"exclude", "string?", "characters that are not used, as \"0O1lI\""},
    END};
static const struct primitive_param token_params[] = {
    {"bytes", "integer?", "of randomness, 16 to 1024; 32 unless said"},
    ENCODING(":base64url"),
    END};
static const struct primitive_param sha256_params[] = {{"text", "text?", "what is digested"},
                                                       {"path", "path?", "or a file of any size"},
                                                       ENCODING(":hex"),
                                                       END};
static const struct primitive_param hmac_params[] = {
    {"key", "text", "what both sides know"},
    {"text", "text", "what is signed"},
    {"algorithm", "symbol?", ":sha256 (unless said), :sha512, or :sha1 for providers that sign so"},
    ENCODING(":hex"),
    END};
static const struct primitive_param equal_params[] = {
    {"a", "text", "one"}, {"b", "text", "the other"}, END};
static const struct primitive_param to_params[] = {
    {"text", "text", "what is encoded"},
    {"url", "boolean?", "- and _ for + and /, and no = at the end"},
    END};
static const struct primitive_param from_params[] = {{"text", "text", "base64 of either alphabet"},
                                                     END};

const struct primitive crypto_password = {
    {"crypto", "password", password_params, "secret", EFFECT_READ, "A new password by a policy"},
    password};
const struct primitive crypto_token = {
    {"crypto", "token", token_params, "secret", EFFECT_READ, "A new random text"}, token};
const struct primitive crypto_sha256 = {{"crypto", "sha256", sha256_params, "any", EFFECT_READ,
                                         "SHA-256 of a text or a file; of a secret, a secret"},
                                        sha256};
const struct primitive crypto_hmac = {
    {"crypto", "hmac", hmac_params, "string", EFFECT_READ, "A signature with a shared key"}, hmac};
const struct primitive crypto_equal = {
    {"crypto", "equal?", equal_params, "boolean", EFFECT_READ,
     "Whether two texts are one, in a time that tells nothing of where they differ"},
    equal};
const struct primitive crypto_base64 = {
    {"crypto", "base64", to_params, "any", EFFECT_READ, "Base64 of a text; of a secret, a secret"},
    to_base64};
const struct primitive crypto_from_base64 = {
    {"crypto", "from_base64", from_params, "any", EFFECT_READ,
     "The text that a base64 stands for; of a secret, a secret"},
    from_base64};
