/* What the checker tells a person about a file: errors, warnings, each once, up to 20 errors.
 *
 * Shape (LANGUAGE): `file:line:col: error[RB012]: message`, the source line, a caret under the
 * span, notes, and `help:` when there is something to do. Codes live in diag.def, one line each. */
#ifndef STEPWISE_DIAG_H
#define STEPWISE_DIAG_H

#include "buf.h"
#include "source.h"

enum diag_code {
#define DIAG(id, number, severity, title) D_##id,
#include "diag.def"
#undef DIAG
  DIAG_COUNT
};

enum severity { SEV_ERROR, SEV_WARNING };
const char *diag_number(enum diag_code code); /* "RB012" */
enum severity diag_severity(enum diag_code code);

#define DIAG_MAX_ERRORS 20
#define DIAG_MAX_WARNINGS 20

struct diag {
  enum diag_code code;
  struct span at;
  char *message; /* owned */
  char *help;    /* owned or NULL */
  char *note;    /* owned or NULL: text shown with note_at */
  struct span note_at;
};

struct diags {
  struct diag *items;
  size_t count, cap;
  size_t errors, warnings;
  size_t dropped;          /* errors past DIAG_MAX_ERRORS */
  size_t dropped_warnings; /* and warnings past theirs */
};

/* Adds unless the same code stands at the same start already (cascades). Returns NULL when dropped;
 * the result is valid until the next diag_add. */
struct diag *diag_add(struct diags *d, enum diag_code code, struct span at, const char *fmt, ...)
    like_printf(4, 5);
void diag_help(struct diag *d, const char *fmt, ...) like_printf(2, 3); /* NULL-safe */
void diag_note(struct diag *d, struct span at, const char *fmt, ...) like_printf(3, 4);
void diags_sort(struct diags *d); /* by file, place */
void diags_release(struct diags *d);

/* Text for people; sources is indexed by span.file. colour adds ANSI colours. */
void diag_print(const struct diag *d, struct source *const *sources, bool colour, struct buf *out);
void diags_print(const struct diags *d, struct source *const *sources, bool colour,
                 struct buf *out); /* all, then "3 errors", how many were dropped, what is unchecked */
/* The place-and-caret block alone, for run-time errors. */
void diag_caret(struct source *s, struct span at, bool colour, struct buf *out);

#endif
