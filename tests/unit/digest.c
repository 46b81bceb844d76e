/* SHA-256, HMAC and hex against published vectors (FIPS 180-4, RFC 4231). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/buf.h"
#include "../../runtime/digest.h"

static void sha256_is_right(void **state) {
  static const struct {
    const char *text, *hex;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char hex[SHA256_HEX];
    sha256_hex_of(cases[i].text, strlen(cases[i].text), hex);
    assert_string_equal(hex, cases[i].hex);
  }
}

static void pieces_make_the_same(void **state) {
  struct sha256 h;
  uint8_t digest[SHA256_SIZE];
  char hex[SHA256_HEX], block[1000];
  (void)state;
  memset(block, 'a', sizeof block);
  for (int round = 0; round < 2; round++) { /* the same one may begin again */
    sha256_begin(&h);
    for (int i = 0; i < 1000000; i += 997)
      sha256_add(&h, block, i + 997 > 1000000 ? 1000000 - i : 997);
    sha256_end(&h, digest);
    hex_write(digest, sizeof digest, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

static void hmac_is_right(void **state) {
  static const struct {
    int key_len, key_byte; /* byte -1: the text "Jefe" */
    const char *text, *hex;
  } cases[] = {
      {20, 0x0b, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {4, -1, "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {131, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t key[131], digest[SHA256_SIZE];
    char hex[SHA256_HEX];
    memset(key, cases[i].key_byte, sizeof key);
    if (cases[i].key_byte < 0) memcpy(key, "Jefe", 4);
    hmac_sha256(key, (size_t)cases[i].key_len, cases[i].text, strlen(cases[i].text), digest);
    hex_write(digest, sizeof digest, hex);
    assert_string_equal(hex, cases[i].hex);
  }
}

static void hex_is_read_back(void **state) {
  uint8_t bytes[3];
  char hex[7];
  (void)state;
  assert_true(hex_read("00Ff7a", 3, bytes));
  hex_write(bytes, 3, hex);
  assert_string_equal(hex, "00ff7a");
  assert_false(hex_read("00fg7a", 3, bytes));
  assert_false(hex_read("00f", 3, bytes)); /* ends too soon */
}

static void bytes_are_compared_whole(void **state) {
  (void)state;
  assert_true(bytes_equal("abc", "abc", 3));
  assert_false(bytes_equal("abc", "abd", 3));
  assert_false(bytes_equal("bbc", "abc", 3));
  assert_true(bytes_equal("", "x", 0));
}

static void random_bytes_differ(void **state) {
  uint8_t a[32], b[32];
  (void)state;
  random_bytes(a, sizeof a);
  random_bytes(b, sizeof b);
  assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_is_right),
      cmocka_unit_test(pieces_make_the_same),
      cmocka_unit_test(hmac_is_right),
      cmocka_unit_test(hex_is_read_back),
      cmocka_unit_test(bytes_are_compared_whole),
      cmocka_unit_test(random_bytes_differ),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
