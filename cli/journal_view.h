/* Events as people and programs read them. */
#ifndef STEPWISE_JOURNAL_VIEW_H
#define STEPWISE_JOURNAL_VIEW_H

#include "../runtime/journal.h"

/* "2026-11-22 05:14:03" and, with micros, ".123456"; UTC. */
void view_time(struct buf *out, int64_t time_us, bool micros);
/* Text for a terminal: control characters become '?'; cut to `width` characters with "..." when
 * longer (0 = never). Returns the characters added. */
size_t view_text(struct buf *out, const char *s, size_t len, size_t width);
/* What an event says, in one line of at most width characters, without its time and kind. */
void view_summary(struct buf *out, const struct event *e, size_t width);
/* JSON spread over lines, each after `indent` spaces. */
void view_json(struct buf *out, const char *json, size_t len, size_t indent);
/* One line of JSON with everything an event has, newline included. */
void view_export(struct buf *out, const struct event *e);
/* Quoted and escaped; bytes that are not UTF-8 are passed through. */
void view_quote(struct buf *out, const char *s, size_t len);

#endif
