/* What a page says. Who is called at night reads it on a telephone, away from the machine: what is
 * wrong, which run it is, where that runs, and the command by which one says that one has it. */
#include "page_inner.h"

#include <limits.h>
#include <stdlib.h>

#include "utf8.h"

enum {
  TEXT_MOST = 850, /* bytes of the text that go out: it fits every way with what is added */
  HOST_MOST = 80,
  PATH_MOST = 500, /* of a journal whose path is longer, or no text, nothing is said */
  SMS_PLAIN = 306, /* two segments, of characters that every telephone has */
  SMS_WIDE = 134,  /* and of any others */
  SMS_LEAST = 40   /* of the text, however long the command is */
};

/* A text, cut between two characters. */
static void add_cut(const char *text, size_t most, struct buf *out) {
  size_t len = strlen(text), n = len < most ? len : most;
  while (n < len && n && utf8_cont(text[n]))
    n--;
  buf_add(out, text, n);
  if (n < len) buf_adds(out, "...");
}

/* --- its parts --- */

static void add_severity(const struct page_run *p, struct buf *out) {
  if (p->severity) buf_addf(out, "[%s] ", p->severity);
}

/* "ops@db-1": the account and the machine, as one logs in there. */
static void add_place(const struct page_run *p, struct buf *out) {
  add_cut(journal_actor(p->lane->run->engine->config.journal), HOST_MOST, out);
}

/* Whether commands of this account find the journal by themselves, in a terminal opened just now. */
static bool is_usual(const char *journal) {
  const char *named = getenv("STEPWISE_JOURNAL");
  struct buf path = BUF_INIT;
  struct error none = {0};
  if (named && *named) return false;
  char *usual = journal_path(NULL, false, &path, &none) == OK ? realpath(buf_str(&path), NULL) : NULL;
  bool same = usual && strcmp(usual, journal) == 0;
  free(usual);
  buf_release(&path);
  error_release(&none);
  return same;
}

static void add_command(const struct page_run *p, const char *verb, struct buf *out) {
  const char *journal = journal_base(p->lane->run->engine->config.journal);
  buf_addf(out, "stepwise %s %s", verb, p->lane->run->id);
  size_t len = strlen(journal);
  if (is_usual(journal) || len > PATH_MOST || !utf8_valid(journal, len)) return;
  buf_adds(out, " --journal ");
  buf_add_word(out, journal);
}

/* --- what is said --- */

static void say_text(const struct page_run *p, struct buf *out) {
  add_severity(p, out);
  add_cut(p->text, TEXT_MOST, out);
}

/* For a line that is all that a service shows. */
static void say_summary(const struct page_run *p, struct buf *out) {
  say_text(p, out);
  buf_addf(out, " (run %s on ", p->lane->run->id);
  add_place(p, out);
  buf_addc(out, ')');
}

static void say_all(const struct page_run *p, struct buf *out) {
  const struct run *run = p->lane->run;
  say_text(p, out);
  buf_addf(out, "\nrun %s of %s", run->id, run->plan->name);
  if (p->lane->at && strlen(p->lane->at->id) <= 100) buf_addf(out, ", step %s", p->lane->at->id);
  buf_adds(out, ", on ");
  add_place(p, out);
  buf_adds(out, "\nto acknowledge: ");
  add_command(p, "ack", out);
  buf_adds(out, "\nto look: ");
  add_command(p, "show", out);
}

/* Telephones send characters of ASCII in seven bits, some of them as two; one that is none of them makes
 * the whole message wide. */
static bool fits_sms(const char *text) {
  size_t plain = 0, units = 0;
  bool wide = false;
  for (const char *s = text; *s; s += utf8_width(*s)) {
    wide |= (unsigned char)*s >= 0x80 || *s == '`';
    plain += strchr("[]{}\\^~|", *s) ? 2 : 1;
    units += utf8_width(*s) == 4 ? 2 : 1;
  }
  return wide ? units <= SMS_WIDE : plain <= SMS_PLAIN;
}

/* Of the text as much as there is room for beside the command. */
static void say_sms(const struct page_run *p, struct buf *out) {
  struct buf rest = BUF_INIT;
  size_t len = strlen(p->text), most = len < TEXT_MOST ? len : TEXT_MOST;
  buf_addc(&rest, '\n');
  add_place(p, &rest);
  buf_adds(&rest, ": ");
  add_command(p, "ack", &rest);
  do {
    buf_clear(out);
    add_severity(p, out);
    add_cut(p->text, most, out);
    buf_adds(out, buf_str(&rest));
  } while (!fits_sms(buf_str(out)) && most-- > SMS_LEAST);
  buf_release(&rest);
}

/* One line. */
static void say_subject(const struct page_run *p, struct buf *out) {
  enum { SUBJECT = 120 };
  add_severity(p, out);
  add_cut(p->text, SUBJECT, out);
  for (size_t i = 0; i < out->len; i++)
    if ((unsigned char)out->data[i] < ' ') out->data[i] = ' ';
}

/* What is affected: the runbook, where it runs. */
static void say_source(const struct page_run *p, struct buf *out) {
  add_cut(p->lane->run->plan->name, 150, out);
  buf_adds(out, " on ");
  add_place(p, out);
}

static void say_key(const struct page_run *p, struct buf *out) {
  buf_adds(out, p->key);
}

/* Paging services know four. */
static void say_severity(const struct page_run *p, struct buf *out) {
  static const struct {
    const char *name, *say;
  } severities[] = {{"sev1", "critical"}, {"sev2", "error"}, {"sev3", "warning"}, {"sev4", "info"}};
  const char *say = "critical";
  for (size_t i = 0; p->severity && i < sizeof severities / sizeof *severities; i++)
    if (strcmp(severities[i].name, p->severity) == 0) say = severities[i].say;
  buf_adds(out, say);
}

/* --- fields beside the line that a service shows --- */

static void say_run(const struct page_run *p, struct buf *out) {
  buf_adds(out, p->lane->run->id);
}

static void say_runbook(const struct page_run *p, struct buf *out) {
  buf_adds(out, p->lane->run->plan->name);
}

static void say_step(const struct page_run *p, struct buf *out) {
  if (p->lane->at) buf_adds(out, p->lane->at->id);
}

static void say_ack(const struct page_run *p, struct buf *out) {
  add_command(p, "ack", out);
}

static void say_show(const struct page_run *p, struct buf *out) {
  add_command(p, "show", out);
}

static value page_details(const struct page_run *p) {
  static const struct {
    const char *name;
    void (*say)(const struct page_run *p, struct buf *out);
  } details[] = {{"run", say_run},          {"runbook", say_runbook}, {"step", say_step},
                 {"on", add_place},         {"acknowledge", say_ack}, {"look", say_show}};
  struct dict *d = dict_new();
  for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
    struct buf text = BUF_INIT;
    details[i].say(p, &text);
    if (text.len) dict_set(d, value_cstr(details[i].name), value_string(text.data, text.len));
    buf_release(&text);
  }
  return value_hash(d);
}

/* --- what an action is given --- */

/* say NULL: the contact. */
static const struct way_arg {
  enum way_id way;
  const char *param;
  void (*say)(const struct page_run *p, struct buf *out);
} way_args[] = {
    {WAY_sms, "to", NULL},          {WAY_sms, "body", say_sms},
    {WAY_email, "to", NULL},        {WAY_email, "subject", say_subject},
    {WAY_email, "body", say_all},   {WAY_email, "text", say_all},
    {WAY_chat, "channel", NULL},    {WAY_chat, "text", say_all},
    {WAY_pager, "service", NULL},   {WAY_pager, "summary", say_summary},
    {WAY_pager, "source", say_source}, {WAY_pager, "severity", say_severity},
    {WAY_pager, "dedup_key", say_key},
};

static const struct way_arg *arg_of(enum way_id way, const char *param) {
  for (size_t i = 0; i < sizeof way_args / sizeof *way_args; i++)
    if (way_args[i].way == way && strcmp(way_args[i].param, param) == 0) return &way_args[i];
  return NULL;
}

const struct field *page_contact_field(const struct symtab *syms, enum way_id way,
                                       const struct action *action) {
  for (size_t i = 0; i < action->take_count; i++) {
    const struct way_arg *a = arg_of(way, sym_text(syms, action->takes[i].name));
    if (a && !a->say) return &action->takes[i];
  }
  return NULL;
}

bool page_says(const struct page_run *p, enum way_id way, const char *param,
               const struct site_contact *c, value *out) {
  struct buf text = BUF_INIT;
  if (way == WAY_pager && strcmp(param, "details") == 0) return *out = page_details(p), true;
  const struct way_arg *a = arg_of(way, param);
  if (a && a->say) a->say(p, &text);
  else if (a && c->to) buf_adds(&text, c->to);
  bool said = text.len > 0;
  if (said) *out = value_string(text.data, text.len);
  buf_release(&text);
  return said;
}
