/* The methods that every value has. */
#include "method.h"

#include "../lang/limits.h"

enum status m_any_inspect(struct call *c, value self, value *out) {
  struct buf b = TEXT_BUF;
  value_inspect(self, call_syms(c), &b);
  return give_text(c, &b, out);
}

/* A secret's text is a secret. */
enum status m_any_to_s(struct call *c, value self, value *out) {
  if (self.tag == V_STRING || self.tag == V_SECRET) {
    *out = value_ref(self);
    return OK;
  }
  struct buf b = TEXT_BUF;
  value_to_s(self, call_syms(c), &b);
  return give_text(c, &b, out);
}

enum status m_any_nil_q(struct call *c, value self, value *out) {
  (void)c;
  *out = value_bool(self.tag == V_NIL);
  return OK;
}
