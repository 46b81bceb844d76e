/* Reports of undelivered mail: see bounce.h.
 *
 * A report is a multipart message: words for people, fields for programs (message/delivery-status),
 * and what was sent, or its headers. Lines are read one after the other; nothing is decoded. */
#include "bounce.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELD_MAX = 1000 };
enum part { PART_OTHER, PART_FIELDS, PART_SENT };

struct reader {
  const char *s, *end;
  struct buf name, text; /* of a header field, unfolded */
};

/* The next line without its end; false at the end of all. */
static bool next_line(struct reader *r, const char **line, size_t *len) {
  if (r->s >= r->end) return false;
  const char *nl = memchr(r->s, '\n', (size_t)(r->end - r->s));
  *line = r->s;
  *len = nl ? (size_t)(nl - r->s) : (size_t)(r->end - r->s);
  r->s += *len + (nl != NULL);
  if (*len && (*line)[*len - 1] == '\r') --*len;
  return true;
}

/* The next field of a group, with the lines that go on with it; false at the group's end. */
static bool next_field(struct reader *r) {
  const char *line, *before = r->s;
  size_t len;
  buf_clear(&r->name);
  buf_clear(&r->text);
  if (!next_line(r, &line, &len) || !len) return false;
  const char *colon = memchr(line, ':', len);
  if (!colon || (len > 2 && line[0] == '-' && line[1] == '-')) {
    r->s = before;
    return false;
  }
  buf_add(&r->name, line, (size_t)(colon - line));
  buf_add(&r->text, colon + 1, (size_t)(line + len - colon - 1));
  while (r->s < r->end && (*r->s == ' ' || *r->s == '\t') && next_line(r, &line, &len))
    buf_add(&r->text, line, len);
  return true;
}

static bool is_field(const struct reader *r, const char *name) {
  return strcasecmp(buf_str(&r->name), name) == 0;
}

/* The text without blanks around it and, where there is one, without its type ("rfc822;"). */
static char *field_text(const struct reader *r, bool typed) {
  const char *s = buf_str(&r->text), *semicolon = typed ? strchr(s, ';') : NULL;
  struct buf b = {.max = FIELD_MAX};
  if (semicolon) s = semicolon + 1;
  s += strspn(s, " \t");
  for (bool blank = false; *s; s++) {
    if (*s == ' ' || *s == '\t') {
      blank = true;
      continue;
    }
    if (blank) buf_addc(&b, ' ');
    blank = false;
    buf_addc(&b, (unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
  }
  return buf_take(&b);
}

static void lower(char *s) {
  for (; *s; s++)
    if (*s >= 'A' && *s <= 'Z') *s = (char)(*s | 0x20);
}

static void field_set(char **to, char *owned) {
  mem_free(*to);
  *to = owned;
}

/* --- one recipient --- */

static bool has_one_of(const char *text, const char *const *words) {
  for (; *words; words++)
    if (strcasestr(text, *words)) return true;
  return false;
}

/* A server that gives no code of its own says 550 of a mailbox that is not there, and of what it
 * does not want: words tell. In doubt it is the mailbox, as mail programs take it. */
static bool is_unwanted(const char *reason) {
  static const char *const gone[] = {"user unknown",
                                     "unknown user",
                                     "recipient unknown",
                                     "unknown recipient",
                                     "no such user",
                                     "no such recipient",
                                     "no such mailbox",
                                     "no mailbox",
                                     "user not found",
                                     "mailbox not found",
                                     "user doesn't exist",
                                     "user does not exist",
                                     NULL};
  static const char *const unwanted[] = {
      "spam",   "junk",       "polic",    "block",  "blacklist", "denylist", "denied",
      "prohib", "reputation", "content",  "virus",  "malware",   "relay",    "dmarc",
      "dkim",   "spf",        "authenti", "sender", NULL};
  struct buf said = BUF_INIT; /* without addresses: these may have any word in them */
  for (size_t n; *reason; reason += n + (reason[n] == ' ')) {
    n = strcspn(reason, " ");
    if (memchr(reason, '@', n)) continue;
    buf_add(&said, reason, n);
    buf_addc(&said, ' ');
  }
  bool is = has_one_of(buf_str(&said), unwanted) && !has_one_of(buf_str(&said), gone);
  buf_release(&said);
  return is;
}

/* The mailbox is not there, and never will be: no such user, host or domain, or it was closed. A
 * full mailbox and mail that is not wanted today are something else. */
static bool is_hard(const struct bounce *b) {
  static const char *const gone[] = {"5.1.1",  "5.1.2", "5.1.3", "5.1.6",
                                     "5.1.10", "5.2.1", "5.4.4"};
  if (strcmp(b->action, "failed") != 0 || b->status[0] != '5') return false;
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
    if (strcmp(b->status, gone[i]) == 0) return true;
    const char *at = strstr(b->reason, gone[i]); /* a server that says 5.0.0 may quote another */
    if (at && (at == b->reason || at[-1] == ' ') && strchr(" \t:", at[strlen(gone[i])]))
      return true;
  }
  return strcmp(b->status, "5.0.0") == 0 && strncmp(b->reason, "550 ", 4) == 0 &&
         b->reason[4] != '5' && !is_unwanted(b->reason);
}

static void read_recipient(struct reader *r, struct bounces *out) {
  struct bounce b = {0};
  char **const places[] = {&b.to, &b.to, &b.action, &b.status, &b.reason};
  static const struct {
    const char *name;
    bool typed;
  } fields[] = {{"Original-Recipient", true},
                {"Final-Recipient", true},
                {"Action", false},
                {"Status", false},
                {"Diagnostic-Code", true}};
  for (bool more = true; more && (more = next_field(r));)
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
      if (is_field(r, fields[i].name) && !(i == 1 && b.to)) /* the one that we wrote to wins */
        field_set(places[i], field_text(r, fields[i].typed));
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (!*places[i]) *places[i] = mem_strdup("");
  lower(b.to);
  lower(b.action);
  b.status[strcspn(b.status, " (")] = 0;
  if (out->count == out->cap)
    out->items = mem_grow(out->items, out->count, &out->cap, sizeof *out->items);
  out->items[out->count++] = b;
}

static void bounce_release(struct bounce *b) {
  mem_free(b->id);
  mem_free(b->to);
  mem_free(b->action);
  mem_free(b->status);
  mem_free(b->reason);
  mem_free(b->message_id);
}

void bounces_release(struct bounces *b) {
  for (size_t i = 0; i < b->count; i++)
    bounce_release(&b->items[i]);
  mem_free(b->items);
  *b = (struct bounces){0};
}

/* --- one report --- */

/* boundary="x": what parts begin with; empty when there is none. */
static void boundary_of(const char *text, struct buf *out) {
  const char *at = strcasestr(text, "boundary=");
  if (!at) return;
  at += 9;
  size_t len = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; \t");
  buf_addf(out, "--%.*s", (int)len, at);
}

static enum part part_of(struct reader *r) {
  enum part is = PART_OTHER;
  while (next_field(r)) {
    if (!is_field(r, "Content-Type")) continue;
    const char *type = buf_str(&r->text) + strspn(buf_str(&r->text), " ");
    if (strncasecmp(type, "message/delivery-status", 23) == 0 ||
        strncasecmp(type, "message/global-delivery-status", 30) == 0)
      is = PART_FIELDS;
    else if (strncasecmp(type, "message/rfc822", 14) == 0 ||
             strncasecmp(type, "text/rfc822-headers", 19) == 0)
      is = PART_SENT;
  }
  return is;
}

/* Groups with an empty line between: first of the message as a whole, then one for each recipient.
 */
static void read_fields(struct reader *r, const char *boundary, struct bounces *out) {
  while (next_field(r))
    ;
  while (r->s < r->end && strncmp(r->s, boundary, strlen(boundary)) != 0) {
    if (*r->s == '\n' || *r->s == '\r') {
      r->s++;
      continue;
    }
    const char *before = r->s;
    read_recipient(r, out);
    if (!*out->items[out->count - 1].to) bounce_release(&out->items[--out->count]);
    if (r->s == before) return;
  }
}

static char *sent_id(struct reader *r) {
  char *id = NULL;
  while (next_field(r))
    if (is_field(r, "Message-ID")) field_set(&id, field_text(r, false));
  return id;
}

/* --- reasons --- */

static int by_address(const void *a, const void *b) {
  return strcmp((*(struct bounce *const *)a)->to, (*(struct bounce *const *)b)->to);
}

static int address_compare(const void *address, const void *item) {
  return strcmp(address, (*(struct bounce *const *)item)->to);
}

static char *tame_text(const char *s, size_t len) {
  struct buf b = {.max = FIELD_MAX};
  for (size_t i = 0; i < len; i++)
    buf_addc(&b, (unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i]);
  return buf_take(&b);
}

/* "ana@example.org: 550 5.1.1 no such user", of every group that is of that address. */
static void take_reason(const char *line, size_t len, struct bounce **sorted, size_t count) {
  const char *colon = memchr(line, ':', len);
  size_t n = colon ? (size_t)(colon - line) : 0;
  if (!n || n > FIELD_MAX || n + 2 >= len || colon[1] != ' ') return;
  char *address = mem_dup(line, n);
  lower(address);
  struct bounce **found = bsearch(address, sorted, count, sizeof *sorted, address_compare);
  if (found && !*(*found)->reason) {
    while (found > sorted && strcmp(found[-1]->to, address) == 0)
      found--;
    for (; found < sorted + count && strcmp((*found)->to, address) == 0; found++)
      field_set(&(*found)->reason, tame_text(colon + 2, len - n - 2));
  }
  mem_free(address);
}

/* Some servers say why to people alone. Whoever sends a report chooses how many recipients it has:
 * all of them are looked for in one go. */
static void find_reasons(const char *s, size_t len, struct bounce *items, size_t count) {
  struct reader r = {.s = s, .end = s + len};
  struct bounce **sorted = mem_array(count + 1, sizeof *sorted);
  const char *line;
  size_t silent = 0;
  for (size_t i = 0; i < count; i++)
    if (!*items[i].reason) sorted[silent++] = &items[i];
  qsort(sorted, silent, sizeof *sorted, by_address);
  for (size_t n; silent && next_line(&r, &line, &n);)
    take_reason(line, n, sorted, silent);
  mem_free(sorted);
}

/* --- the whole --- */

/* One message, s[len] is NUL. False when it is no report. at and id are set by the caller. */
static bool bounce_parse(const char *s, size_t len, struct bounces *out) {
  struct reader r = {.s = s, .end = s + len};
  struct buf boundary = BUF_INIT;
  const char *line;
  char *id = NULL;
  size_t n, first = out->count;
  while (next_field(&r))
    if (is_field(&r, "Content-Type") && strcasestr(buf_str(&r.text), "multipart/"))
      boundary_of(buf_str(&r.text), &boundary);
  while (boundary.len && next_line(&r, &line, &n)) {
    if (n < boundary.len || memcmp(line, boundary.data, boundary.len) != 0) continue;
    enum part is = part_of(&r);
    if (is == PART_FIELDS) read_fields(&r, buf_str(&boundary), out);
    else if (is == PART_SENT && !id) id = sent_id(&r);
  }
  if (out->count > first) find_reasons(s, len, out->items + first, out->count - first);
  for (size_t i = first; i < out->count; i++) {
    out->items[i].message_id = mem_strdup(id ? id : "");
    out->items[i].hard = is_hard(&out->items[i]);
  }
  mem_free(id);
  buf_release(&boundary);
  buf_release(&r.name);
  buf_release(&r.text);
  return out->count > first;
}

/* --- a mailbox --- */

static bool read_file(const char *path, struct buf *text, int64_t *at) {
  struct stat st;
  char piece[16384];
  ssize_t n = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  text->max = BOUNCE_FILE_MAX; /* what is beyond was somebody's attachment */
  while (good && !text->overflow && (n = read(fd, piece, sizeof piece)) != 0)
    if (n > 0) buf_add(text, piece, (size_t)n);
    else good = errno == EINTR;
  if (good) *at = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
  if (fd >= 0) close(fd);
  return good;
}

static void read_one(const char *dir, const char *name, struct bounces *out) {
  struct buf path = BUF_INIT, text = BUF_INIT;
  size_t first = out->count;
  int64_t at = 0;
  buf_addf(&path, "%s/%s", dir, name);
  /* One that is moved to cur/ meanwhile is read there. */
  if (read_file(buf_str(&path), &text, &at)) {
    if (bounce_parse(buf_str(&text), text.len, out)) out->reports++;
    else out->others++;
  }
  for (size_t i = first; i < out->count; i++) {
    out->items[i].id = mem_dup(name, strcspn(name, ":"));
    out->items[i].at = at;
  }
  buf_release(&path);
  buf_release(&text);
}

static enum status read_directory(const char *path, struct bounces *out, struct error *err) {
  DIR *dir = opendir(path);
  if (!dir) {
    error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read the mailbox %s: %s", path,
              strerror(errno));
    error_kind(err, errno == EACCES ? "permission" : "validation");
    return err->status;
  }
  size_t count = 0;
  for (struct dirent *e; count <= BOUNCE_FILES_MAX && (e = readdir(dir));) {
    if (e->d_name[0] == '.' || e->d_type == DT_DIR) continue;
    if (++count <= BOUNCE_FILES_MAX) read_one(path, e->d_name, out);
  }
  closedir(dir);
  if (count <= BOUNCE_FILES_MAX) return OK;
  error_set(err, ERR_LIMIT, "the mailbox %s has more than %d messages", path, BOUNCE_FILES_MAX);
  error_help(err, "move those aside that were handled");
  error_kind(err, "validation");
  return ERR_LIMIT;
}

enum status bounces_read(const char *path, struct bounces *out, struct error *err) {
  static const char *const parts[] = {"new", "cur"};
  struct stat st;
  enum status s = OK;
  bool maildir = false;
  for (size_t i = 0; s == OK && i < sizeof parts / sizeof *parts; i++) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/%s", path, parts[i]);
    if (stat(buf_str(&b), &st) == 0 && S_ISDIR(st.st_mode)) {
      maildir = true;
      s = read_directory(buf_str(&b), out, err);
    }
    buf_release(&b);
  }
  return maildir ? s : read_directory(path, out, err);
}
