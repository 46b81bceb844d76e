/* Secrets are found however they are written, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../runtime/codec.h"
#include "../../runtime/digest.h"
#include "../../runtime/secrets.h"

/* --- how others write a text --- */

typedef void encoder(const char *s, size_t len, struct buf *out);

static void plain(const char *s, size_t len, struct buf *out) {
  buf_add(out, s, len);
}

static void json(const char *s, size_t len, struct buf *out) {
  struct buf quoted = BUF_INIT;
  json_text(&quoted, s, len);
  buf_add(out, quoted.data + 1, quoted.len - 2);
  buf_release(&quoted);
}

/* With \u for what is not ASCII or means something in HTML, or for all. */
static void json_as(const char *s, size_t len, struct buf *out, bool all) {
  for (size_t i = 0; i < len;) {
    unsigned char c = (unsigned char)s[i];
    uint32_t u = c;
    size_t n = 1;
    if (c >= 0xC0) {
      n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
      u = c & (0xFFu >> (n + 1));
      for (size_t k = 1; k < n; k++)
        u = u << 6 | ((unsigned char)s[i + k] & 0x3F);
    }
    if (c == '/') buf_adds(out, "\\/");
    else if (c == '\\') buf_adds(out, "\\\\");
    else if (!all && c >= ' ' && c < 0x7F && !strchr("\"<>&'", c)) buf_addc(out, (char)c);
    else if (u < 0x10000) buf_addf(out, "\\u%04X", u);
    else buf_addf(out, "\\u%04x\\u%04x", 0xD800 + ((u - 0x10000) >> 10), 0xDC00 + ((u - 0x10000) & 0x3FF));
    i += n;
  }
}

static void json_ascii(const char *s, size_t len, struct buf *out) {
  json_as(s, len, out, false);
}
static void json_all(const char *s, size_t len, struct buf *out) {
  json_as(s, len, out, true);
}

static bool unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("-._~", c);
}

static void url_as(const char *s, size_t len, struct buf *out, const char *fmt, bool plus, int some) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)s[i];
    if (plus && c == ' ') buf_addc(out, '+');
    else if ((unreserved(c) && (!some || i % 2)) || (c < 0x80 && c != '%' && some == 2 && i % 3)) buf_addc(out, (char)c);
    else buf_addf(out, fmt, c);
  }
}

static void url_upper(const char *s, size_t len, struct buf *out) {
  url_as(s, len, out, "%%%02X", false, 0);
}
static void url_lower(const char *s, size_t len, struct buf *out) {
  url_as(s, len, out, "%%%02x", true, 0);
}
static void url_more(const char *s, size_t len, struct buf *out) {
  url_as(s, len, out, "%%%02X", false, 1);
}
static void url_less(const char *s, size_t len, struct buf *out) {
  url_as(s, len, out, "%%%02X", false, 2);
}
static void mail(const char *s, size_t len, struct buf *out) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c < ' ' || c > '~' || c == '=') buf_addf(out, "=%02X", c);
    else buf_addc(out, (char)c);
    if (i % 5 == 4) buf_adds(out, "=\r\n");
  }
}

static void html(const char *s, size_t len, struct buf *out) {
  for (size_t i = 0; i < len; i++) {
    if (s[i] == '&') buf_adds(out, "&amp;");
    else if (s[i] == '<') buf_adds(out, "&lt;");
    else if (s[i] == '"') buf_adds(out, "&#34;");
    else if (s[i] == '\'') buf_adds(out, "&#x27;");
    else buf_addc(out, s[i]);
  }
}

static void hex(const char *s, size_t len, struct buf *out) {
  for (size_t i = 0; i < len; i++)
    buf_addf(out, i % 2 ? "%02x" : "%02X", (unsigned char)s[i]);
}

static void base64_as(const char *s, size_t len, struct buf *out, const char *last, bool pad, size_t line) {
  for (size_t i = 0; i < len; i += 3) {
    uint32_t v = 0;
    size_t n = len - i < 3 ? len - i : 3;
    for (size_t k = 0; k < 3; k++)
      v = v << 8 | (k < n ? (unsigned char)s[i + k] : 0);
    for (size_t k = 0; k < 4; k++) {
      unsigned d = v >> (18 - 6 * k) & 63;
      char c = d < 26   ? (char)('A' + d)
               : d < 52 ? (char)('a' + d - 26)
               : d < 62 ? (char)('0' + d - 52)
                        : last[d - 62];
      if (k <= n) buf_addc(out, c);
      else if (pad) buf_addc(out, '=');
      if (line && out->len % line == line - 2) buf_adds(out, "\r\n");
    }
  }
}

static void base64(const char *s, size_t len, struct buf *out) {
  base64_as(s, len, out, "+/", true, 0);
}
static void base64_url(const char *s, size_t len, struct buf *out) {
  base64_as(s, len, out, "-_", false, 0);
}
static void base64_lines(const char *s, size_t len, struct buf *out) {
  base64_as(s, len, out, "+/", true, 12);
}

static encoder *const inner[] = {plain, json, json_ascii, json_all, url_upper, url_lower, url_more,
                                 url_less, mail,  html, hex,        base64,    base64_url, base64_lines};
static encoder *const outer[] = {plain, json, json_ascii, url_upper, url_lower, html};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const samples[] = {
    "hunter2-secret",
    "p/w+d=\"q\\z\" %25 & <x> 'y'",
    "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 sesame \xC3\xBC",
    "0123456789abcdef0123456789abcdef",
    "nbtrfu\\\\\\n//",
    "%%%%%25252525",
    "a\nb\tc\x7F\x01 d",
    "aaaaaaaaaaaaaaab",
    "abc123",
};

static struct secrets *knowing(const char *const *texts, size_t count) {
  struct secrets *s = secrets_new();
  for (size_t i = 0; i < count; i++)
    assert_true(secrets_learn(s, i ? NULL : "a/b", "test", texts[i], strlen(texts[i])));
  return s;
}

static void redacted(const struct secrets *s, const char *text, size_t len, struct buf *out) {
  buf_clear(out);
  buf_add(out, text, len);
  redact_text(s, out);
}

/* --- whole --- */

static void every_form_is_found(void **state) {
  (void)state;
  size_t met = 0;
  for (size_t i = 0; i < COUNT(samples); i++)
    for (size_t a = 0; a < COUNT(inner); a++)
      for (size_t b = 0; b < COUNT(outer); b++)
        for (size_t shift = 0; shift < 4; shift++) {
          if (inner[a] == mail && (outer[b] == url_upper || outer[b] == url_lower)) continue;
          struct secrets *s = knowing(&samples[i], 1);
          struct buf one = BUF_INIT, two = BUF_INIT, text = BUF_INIT, out = BUF_INIT;
          bool encoded = a >= COUNT(inner) - 4;
          if (encoded) buf_add(&text, "xyz", shift); /* what is encoded may be longer than the secret */
          buf_adds(&text, samples[i]);
          if (encoded) buf_adds(&text, "..");
          inner[a](text.data, text.len, &one);
          outer[b](one.data, one.len, &two);
          buf_clear(&text);
          buf_addf(&text, "before %s after", buf_str(&two));
          redacted(s, text.data, text.len, &out);
          const char *mark = strstr(out.data, "[secret a/b]");
          if (!mark) fail_msg("sample %zu, form %zu in %zu, shift %zu: %s", i, a, b, shift, text.data);
          assert_memory_equal(out.data, "before ", 7);
          assert_string_equal(out.data + out.len - 6, " after");
          /* Of an encoded text, what is not the secret stays: three bytes and two around it. */
          if (out.len > strlen("before [secret a/b] after") + 44) fail_msg("too little: %s", out.data);
          if (!encoded && inner[a] != mail) assert_string_equal(out.data, "before [secret a/b] after");
          met++;
          buf_release(&one), buf_release(&two), buf_release(&text), buf_release(&out);
          secrets_free(s);
        }
  assert_int_equal(met, COUNT(samples) * (COUNT(inner) * COUNT(outer) - 2) * 4);
}

static void basic_authentication_is_found(void **state) {
  (void)state;
  const char *password = "correct horse battery";
  struct secrets *s = knowing(&password, 1);
  for (size_t user = 1; user < 7; user++) {
    struct buf text = BUF_INIT, out = BUF_INIT;
    buf_addf(&text, "%.*s:%s", (int)user, "abcdefg", password);
    buf_adds(&out, "Authorization: Basic ");
    base64(text.data, text.len, &out);
    assert_true(redact_text(s, &out));
    buf_clear(&text);
    base64(password, strlen(password), &text);
    for (size_t at = 0; at + 8 < text.len; at++) { /* no long piece of it is left */
      char piece[9] = {0};
      memcpy(piece, text.data + at, 8);
      assert_null(strstr(out.data, piece));
    }
    buf_release(&text), buf_release(&out);
  }
  secrets_free(s);
}

static void other_texts_stay(void **state) {
  (void)state;
  struct secrets *s = knowing(samples, COUNT(samples));
  static const char *const texts[] = {
      "", "h", "hunter2-secre", "unter2-secret", "hunter2 secret", "hunter-2secret", "%", "\\", "\\u00", "&#", "=",
      "0123456789abcdef0123456789abcde", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "68756e746572322d73656372657", "abc12",
      "a\\nb\\tc", "%68unter2-secreu", "[secret a/b]", "x [secret] y", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\",
  };
  for (size_t i = 0; i < COUNT(texts); i++) {
    struct buf out = BUF_INIT;
    buf_adds(&out, texts[i]);
    if (redact_text(s, &out)) fail_msg("%s became %s", texts[i], out.data);
    buf_release(&out);
  }
  secrets_free(s);
}

static void overlapping_ones_go_whole(void **state) {
  static const char *const texts[] = {"abcdefgh", "efghijkl", "abcdef", "ijklmn-o"};
  struct secrets *s = knowing(texts, COUNT(texts));
  struct buf out = BUF_INIT;
  (void)state;
  redacted(s, "-abcdefghijklmn-o+", 18, &out);
  assert_string_equal(out.data, "-[secret a/b]+");
  redacted(s, "abcdefgh abcdef!", 16, &out);
  assert_string_equal(out.data, "[secret a/b] [secret]!");
  redacted(s, out.data, out.len, &out);
  buf_release(&out);
  secrets_free(s);
}

static void names_give_nothing_away(void **state) {
  (void)state;
  struct secrets *s = secrets_new();
  struct buf out = BUF_INIT;
  assert_true(secrets_learn(s, "first", "test", "password", 8));
  assert_true(secrets_learn(s, "db/password", "test", "swordfish", 9));
  redacted(s, "swordfish", 9, &out);
  assert_string_equal(out.data, "[secret]");
  redacted(s, "[secret swordfish]", 18, &out);
  assert_string_equal(out.data, "[secret [secret]]");
  assert_true(redact_marked(out.data, out.len));
  assert_false(redact_marked("[secrets]", 9));
  buf_release(&out);
  secrets_free(s);
}

static void note_short(void *ud, const char *name) {
  buf_addf(ud, "%s;", name ? name : "?");
}

/* Wherever a text is cut, no part of a secret is left at its edges. */
static void cuts_take_all_of_it(void **state) {
  static const char text[] = "say swordfish and c3dvcmRmaXNo and sword%66ish now";
  struct secrets *s = secrets_new();
  (void)state;
  assert_true(secrets_learn(s, "db", "test", "swordfish", 9));
  size_t len = sizeof text - 1;
  for (size_t from = 0; from <= len; from++)
    for (size_t to = from; to <= len; to++) {
      struct buf out = BUF_INIT;
      redact_cut(s, text, len, from, to, &out);
      redact_text(s, &out);
      static const char *const parts[] = {"swor", "dfis", "fish", "c3dv", "cmRm", "aXNo", "%66", "66is"};
      for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(buf_str(&out), parts[i])) fail_msg("%zu to %zu: %s", from, to, out.data);
      buf_release(&out);
    }
  struct buf out = BUF_INIT;
  assert_false(redact_cut(s, text, len, 0, 4, &out));
  assert_string_equal(buf_str(&out), "say ");
  buf_clear(&out);
  assert_true(redact_cut(s, text, len, 0, 6, &out));
  assert_string_equal(buf_str(&out), "say [secret db]");
  buf_clear(&out);
  assert_true(redact_cut(s, text, len, 6, 17, &out));
  assert_string_equal(buf_str(&out), "[secret db] and");
  buf_clear(&out);
  assert_true(redact_cut(s, text, len, 6, 8, &out));
  assert_string_equal(buf_str(&out), "[secret db]");
  buf_release(&out);
  secrets_free(s);
}

static void short_ones_are_told(void **state) {
  (void)state;
  struct secrets *s = secrets_new();
  struct buf told = BUF_INIT;
  secrets_on_short(s, note_short, &told);
  assert_false(secrets_learn(s, "pin", "test", "12345\n", 6));
  assert_false(secrets_any(s));
  assert_true(secrets_learn(s, "pins", "test", "123456\n", 7));
  assert_true(secrets_any(s));
  assert_string_equal(told.data, "pin;");
  buf_release(&told);
  secrets_free(s);
  assert_false(secrets_any(NULL));
}

static void lines_of_a_key_are_secret(void **state) {
  (void)state;
  static const char key[] = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\nend\n"
                            "-----END PRIVATE KEY-----\n";
  struct secrets *s = secrets_new();
  struct buf out = BUF_INIT;
  assert_true(secrets_learn(s, "key", "test", key, sizeof key - 1));
  redacted(s, "line: AQEFAASCBKcwggSjAgEAAoIB.", 31, &out);
  assert_string_equal(out.data, "line: [secret key].");
  redacted(s, "-----BEGIN PRIVATE KEY-----", 27, &out);
  assert_string_equal(out.data, "-----BEGIN PRIVATE KEY-----");
  buf_release(&out);
  secrets_free(s);
}

/* --- JSON and values --- */

static void json_stays_json(void **state) {
  (void)state;
  struct symtab *syms = symtab_new();
  uint32_t seed = 7;
  for (size_t i = 0; i < COUNT(samples); i++)
    for (int round = 0; round < 400; round++) {
      struct secrets *s = knowing(&samples[i], 1);
      struct buf text = BUF_INIT, out = BUF_INIT;
      struct error err = {0};
      value v;
      static const char around[] = "\\\"nu%/ x\n";
      for (int k = 0; k < 6; k++) { /* what stands beside it must not be mistaken for half an escape */
        seed = seed * 1103515245 + 12345;
        buf_addc(&text, around[seed >> 16 & 7]);
        if (k == 3) inner[(seed >> 20) % 8](samples[i], strlen(samples[i]), &text);
      }
      buf_adds(&out, "{\"kept\":");
      json_text(&out, samples[i], strlen(samples[i]));
      buf_adds(&out, ",\"a\":[1,{\"b\":");
      json_text(&out, text.data, text.len);
      buf_adds(&out, "}],\"c\":");
      json_text(&out, text.data, text.len);
      buf_adds(&out, "}");
      static const char *const kept[] = {"kept", NULL};
      if (!redact_json(s, kept, &out)) fail_msg("not found: %s", out.data);
      if (json_read(out.data, out.len, syms, false, &v, &err) != OK) fail_msg("%s: %s", err.message, out.data);
      struct buf again = BUF_INIT;
      value key = value_cstr("kept"), member;
      assert_true(dict_get(value_dict(v), key, &member));
      assert_string_equal(value_str(member)->s, samples[i]);
      value_unref(key);
      key = value_cstr("c");
      assert_true(dict_get(value_dict(v), key, &member));
      value_unref(key);
      buf_adds(&again, value_str(member)->s);
      if (redact_text(s, &again)) fail_msg("left in: %s", out.data);
      assert_non_null(strstr(again.data, "[secret a/b]"));
      value_unref(v);
      buf_release(&again), buf_release(&text), buf_release(&out);
      secrets_free(s);
    }
  symtab_free(syms);
}

static void numbers_are_whole(void **state) {
  (void)state;
  static const char *const pin = "48151623";
  struct secrets *s = knowing(&pin, 1);
  struct buf out = BUF_INIT;
  buf_adds(&out, "{\"a\":48151623,\"b\":148151623,\"c\":{\"$duration\":48151623},\"d\":[48151623,-1.5e3]}");
  assert_true(redact_json(s, NULL, &out));
  assert_string_equal(out.data, "{\"a\":\"[secret a/b]\",\"b\":148151623,\"c\":{\"$duration\":48151623},"
                                "\"d\":[\"[secret a/b]\",-1.5e3]}");
  buf_release(&out);
  secrets_free(s);
}

static void values_are_searched(void **state) {
  (void)state;
  struct symtab *syms = symtab_new();
  struct secrets *s = knowing(samples, 1);
  struct error err = {0};
  struct buf out = BUF_INIT;
  value v;
  static const char text[] = "{\"a\":[1,\"x hunter2-secret\",[\"ok\"]],\"hunter2-secret\":{\"$symbol\":\"hunter2-secret\"}}";
  assert_int_equal(json_read(text, sizeof text - 1, syms, true, &v, &err), OK);
  value before = value_ref(v);
  assert_true(redact_value(s, syms, &v));
  json_write(v, syms, false, &out);
  assert_string_equal(out.data, "{\"a\":[1,\"x [secret a/b]\",[\"ok\"]],\"[secret a/b]\":\"[secret a/b]\"}");
  assert_false(redact_value(s, syms, &v));
  buf_clear(&out);
  json_write(before, syms, true, &out);
  assert_string_equal(out.data, text);
  value_unref(v), value_unref(before);
  buf_release(&out);
  secrets_free(s);
  symtab_free(syms);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_is_found),
      cmocka_unit_test(basic_authentication_is_found),
      cmocka_unit_test(other_texts_stay),
      cmocka_unit_test(overlapping_ones_go_whole),
      cmocka_unit_test(names_give_nothing_away),
      cmocka_unit_test(cuts_take_all_of_it),
      cmocka_unit_test(short_ones_are_told),
      cmocka_unit_test(lines_of_a_key_are_secret),
      cmocka_unit_test(json_stays_json),
      cmocka_unit_test(numbers_are_whole),
      cmocka_unit_test(values_are_searched),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
