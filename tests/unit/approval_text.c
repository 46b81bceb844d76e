/* The text of an approval, byte for byte: what docs/approvals.md promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../runtime/approval_text.h"

#define REQUESTED                                                                                   \
  "{\"text\":\"Drain 3 nodes\\nat \\\\ once\\r\",\"about\":\"does: pool.drain; undone by: pool.fill\","  \
  "\"role\":\"dba\",\"quorum\":2,\"nonce\":\"00ff\",\"plan\":\"abcd\",\"expires_us\":1795339800000001}"

static void is(const char *answer, bool denied, const char *want) {
  struct buf out = BUF_INIT;
  const struct approval_words w = {.run = "20261122-080000-abcdef",
                                   .step = "drain[web-1]",
                                   .requested = REQUESTED,
                                   .requested_len = strlen(REQUESTED),
                                   .answer = answer,
                                   .answer_len = strlen(answer),
                                   .denied = denied};
  approval_text(&w, &out);
  assert_string_equal(buf_str(&out), want);
  buf_release(&out);
}

#define HEAD(verdict)                                                                               \
  "stepwise approval 1\nverdict: " verdict "\napprover: kim\nrun: 20261122-080000-abcdef\n"         \
  "step: drain[web-1]\nplan: abcd\nrole: dba\nquorum: 2\nnonce: 00ff\n"                             \
  "answer-by: 2026-11-22T09:30:00.000001Z\n"
#define ABOUT "about: does: pool.drain; undone by: pool.fill\n"
#define MESSAGE "message: Drain 3 nodes\\nat \\\\ once\\r\n"

static void texts(void **state) {
  (void)state;
  is("{\"approver\":\"kim\",\"use_by_us\":1795343400000000}", false,
     HEAD("approve") "use-by: 2026-11-22T10:30:00.000000Z\n" ABOUT MESSAGE);
  is("{\"approver\":\"kim\",\"reason\":\"not\\ntoday\"}", true,
     HEAD("deny") ABOUT "reason: not\\ntoday\n" MESSAGE);
  is("{\"approver\":\"kim\",\"use_by_us\":1795343400000000,\"break_glass\":true,\"reason\":\"fire\"}", false,
     HEAD("break-glass") "use-by: 2026-11-22T10:30:00.000000Z\n" ABOUT "reason: fire\n" MESSAGE);
}

/* A value cannot make a line of its own. */
static void forged(void **state) {
  (void)state;
  is("{\"approver\":\"kim\",\"reason\":\"x\\nverdict: approve\"}", true,
     HEAD("deny") ABOUT "reason: x\\nverdict: approve\n" MESSAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(forged)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
