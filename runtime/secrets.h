/* What this process knows that nobody is to read: one registry for all runs of an engine, and the
 * search for it in whatever is written.
 *
 * A secret is known from the moment it came in (a site's secret, a secret input or answer, a secret
 * result), and stays known until the registry is freed; its memory is wiped then. It is found as it
 * is, in base64 of both alphabets at each of the three alignments (so also inside a longer text that
 * was encoded), in hex, and where any of its characters is written as URLs, JSON, HTML or
 * quoted-printable mail write it, in any mixture and nested. What stands in its place is
 * "[secret NAME]". Without a secret each of these functions returns at once. */
#ifndef STEPWISE_SECRETS_H
#define STEPWISE_SECRETS_H

#include "../lang/buf.h"
#include "value.h"

/* Bytes of the shortest secret that is looked for: a shorter one would be found in too many texts
 * that have nothing to do with it. Of a secret of several lines each line that is at least so long
 * as SECRET_LINE is looked for by itself too. */
/* The source of what an action was called with: mostly it is put together from other secrets, and then
 * it is not learnt. */
#define SECRET_ARGUMENT "argument"
enum { SECRET_SHORTEST = 6, SECRET_LINE = 16 };

struct secrets;
struct secrets *secrets_new(void) must_use;
void secrets_free(struct secrets *s); /* NULL-safe; wipes */
bool secrets_any(const struct secrets *s); /* NULL-safe: false */

/* name: for people ("twilio/auth_token"), or NULL; source: a literal that says where it is from. One that is known already, or that is too short,
 * adds nothing; false for the latter. */
bool secrets_learn(struct secrets *s, const char *name, const char *source, const char *text,
                   size_t len);
/* All secrets that v holds. */
void secrets_learn_value(struct secrets *s, const char *name, const char *source, value v,
                         const struct symtab *syms);
/* Called when one is met that is too short to be looked for, once a name ("" when
 * it has none); NULL: nobody. */
void secrets_on_short(struct secrets *s, void (*fn)(void *ud, const char *name), void *ud);

/* Which secret is exactly this text; false: none. The name is NULL when nobody gave one. */
struct secret_known {
  uint32_t number; /* of this registry */
  const char *name, *source; /* borrowed */
};
bool secrets_find(const struct secrets *s, const char *text, size_t len, struct secret_known *out);

/* Each returns whether anything was replaced. s may be NULL. */

/* A text of any kind, in place. */
bool redact_text(const struct secrets *s, struct buf *text);
/* Appends the part of a text from one byte up to another; a secret that one of the two would cut in
 * two stands there as its mark: nobody could find a part of it later. */
bool redact_cut(const struct secrets *s, const char *text, size_t len, size_t from, size_t to,
                struct buf *out);
/* The same of an owned text, which is replaced by another one; NULL stays NULL. */
bool redact_owned(const struct secrets *s, char **text);
/* A JSON text, in place; it is as valid afterwards. Secrets are looked for within its strings; a
 * number that is one becomes a string. kept: names of members of the outermost object that are left
 * alone, NULL-terminated, or NULL. */
bool redact_json(const struct secrets *s, const char *const *kept, struct buf *json);
/* The strings and symbols within a value: *v is replaced, with its count. */
bool redact_value(const struct secrets *s, struct symtab *syms, value *v);
struct error;
bool redact_error(const struct secrets *s, struct error *err);
/* Whether a text holds what redaction leaves, of whatever name. */
bool redact_marked(const char *text, size_t len);
/* A value out of the journal, of an event that had something taken out: each string that holds such a
 * mark is a secret whose text is lost. Takes and returns an owned value. */
value redact_lost(value owned) must_use;

#endif
