/* stepwise journal credential: which runs used a secret that somebody has at hand. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../runtime/codec.h"
#include "../runtime/digest.h"
#include "journal_request.h"
#include "journal_view.h"
#include "table.h"
#include "text.h"
#include "ui.h"

enum { SECRET_MAX = 1 << 20, SALT = 16 };

struct looking {
  const struct journal_request *q;
  struct buf secret;
  struct symtab *syms;
  struct table table;
  int64_t count;
};

/* --- the secret at hand --- */

/* Into memory that is never moved, so that nothing is left of it elsewhere. */
static enum status secret_read(const char *path, struct buf *out, struct error *err) {
  enum { PIECE = 4096 };
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  ssize_t n = -1;
  out->max = SECRET_MAX + PIECE;
  char *to = buf_reserve(out, SECRET_MAX + 1);
  if (fd >= 0)
    while (out->len <= SECRET_MAX && (n = read(fd, to + out->len, SECRET_MAX + 1 - out->len)) != 0) {
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) break;
      out->len += (size_t)n;
    }
  int why = errno;
  if (path && fd >= 0) close(fd);
  if (fd < 0 || n < 0)
    return error_set(err, ERR_IO, "cannot read %s: %s", path ? path : "the standard input", strerror(why));
  while (out->len && (to[out->len - 1] == '\n' || to[out->len - 1] == '\r'))
    out->len--;
  to[out->len] = '\0';
  if (!out->len || out->len > SECRET_MAX)
    return error_set(err, ERR_VALUE, "%s has no secret: it is %s", path ? path : "the standard input",
                     out->len ? "larger than 1 MiB" : "empty");
  return OK;
}

/* --- events --- */

static const char *member(value data, const char *name) {
  value key = value_cstr(name), v;
  bool found = data.tag == V_HASH && dict_get(value_dict(data), key, &v) && v.tag == V_STRING;
  value_unref(key);
  return found ? value_str(v)->s : "";
}

static bool is_it(const struct looking *l, value data) {
  uint8_t salt[SALT], mac[SHA256_SIZE], said[SHA256_SIZE];
  const char *salt_hex = member(data, "salt"), *mac_hex = member(data, "hmac");
  if (strlen(salt_hex) != 2 * SALT || !hex_read(salt_hex, SALT, salt)) return false;
  if (strlen(mac_hex) != 2 * SHA256_SIZE || !hex_read(mac_hex, SHA256_SIZE, said)) return false;
  hmac_sha256(salt, SALT, l->secret.data, l->secret.len, mac);
  return bytes_equal(mac, said, SHA256_SIZE);
}

static void tell(struct looking *l, const struct event *e, value data) {
  struct buf b = BUF_INIT, shown = BUF_INIT;
  l->count++;
  if (l->q->json) {
    view_export(&b, e);
    fwrite(b.data, 1, b.len, stdout);
  } else {
    view_time(&b, e->time_us, false);
    table_cell(&l->table, e->run);
    table_cell(&l->table, buf_str(&b));
    view_text(&shown, member(data, "name"), strlen(member(data, "name")), 40);
    table_cell(&l->table, buf_str(&shown));
    table_cell(&l->table, member(data, "driver"));
    table_cell(&l->table, e->actor);
  }
  buf_release(&b);
  buf_release(&shown);
}

static enum status look(void *ud, const struct event *e) {
  struct looking *l = ud;
  struct error ignored = {0};
  value data;
  if (json_read(e->data, e->data_len, l->syms, false, &data, &ignored) != OK) {
    error_release(&ignored);
    return OK;
  }
  if (is_it(l, data)) tell(l, e, data);
  value_unref(data);
  return OK;
}

int journal_do_credential(struct journal_request *q) {
  static const char *const head[] = {"RUN", "TIME", "NAME", "DRIVER", "BY"};
  struct looking l = {.q = q, .syms = symtab_new(), .table = {.columns = 5, .whole = 2}};
  struct event_filter f = {.kind = "secret.used"};
  struct error err = {0};
  char run[RUN_ID_MAX];
  for (size_t i = 0; i < l.table.columns; i++)
    table_cell(&l.table, head[i]);
  enum status status = q->operand ? journal_find_run(q->j, q->operand, run, &err) : OK;
  if (q->operand) f.run = run;
  if (status == OK) status = secret_read(q->file, &l.secret, &err);
  if (status == OK) status = journal_scan(q->j, &f, look, &l, &err);
  if (status == OK && !q->json && l.count) {
    struct buf out = BUF_INIT;
    table_write(&l.table, 0, terminal_width(STDOUT_FILENO), &out);
    fputs(buf_str(&out), stdout);
    buf_release(&out);
  }
  if (status == OK && !l.count) fputs("stepwise: no run of this journal used it\n", stderr);
  if (l.secret.data) explicit_bzero(l.secret.data, l.secret.cap);
  buf_release(&l.secret);
  table_release(&l.table);
  symtab_free(l.syms);
  return status == OK ? journal_printed(l.count ? EXIT_SUCCEEDED : EXIT_FAILED) : journal_fails(&err);
}
