/* Events held between append and commit, packed into one run of bytes that is used again. */
#include "announce.h"

/* What outlives the run is pointed to: kind and actor. */
struct held {
  struct event event;
  size_t run_len, step_len;
};

static size_t text_add(struct buf *b, const char *text) {
  size_t len = text ? strlen(text) : 0;
  buf_add(b, text ? text : "", len + 1);
  return len;
}

void announce_hold(struct announce *a, const struct observer *o, const struct event *e) {
  if (!o->event) return;
  struct held h = {.event = *e};
  size_t at = a->held.len;
  buf_add(&a->held, &h, sizeof h);
  h.run_len = text_add(&a->held, e->run);
  h.step_len = text_add(&a->held, e->step);
  buf_add(&a->held, e->data, e->data_len);
  buf_addc(&a->held, '\0');
  if (!a->held.overflow) {
    memcpy(a->held.data + at, &h, sizeof h);
    return;
  }
  buf_truncate(&a->held, at); /* the journal has it */
  a->held.overflow = false;
}

void announce_all(struct announce *a, const struct observer *o) {
  struct buf held = a->held; /* the observer may have more to say */
  a->held = (struct buf){0};
  for (size_t at = 0; at < held.len;) {
    struct held h;
    memcpy(&h, held.data + at, sizeof h);
    at += sizeof h;
    h.event.run = held.data + at;
    h.event.step = h.event.run + h.run_len + 1;
    h.event.data = h.event.step + h.step_len + 1;
    at += h.run_len + h.step_len + h.event.data_len + 3;
    o->event(o->ud, &h.event);
  }
  buf_clear(&held);
  if (a->held.len) buf_release(&held);
  else a->held = held;
}

void announce_drop(struct announce *a) {
  buf_clear(&a->held);
}

void announce_release(struct announce *a) {
  buf_release(&a->held);
}
