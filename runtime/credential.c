/* Which secrets a run used: of each a salted digest goes into the journal, so that who has a secret
 * can find the runs that used it, and who has not learns nothing but whether a guess is right. */
#include "action.h"

#include "codec.h"
#include "digest.h"

enum { SALT = 16 };

static void digest_hex(const uint8_t salt[SALT], struct text secret, char out[SHA256_HEX]) {
  uint8_t mac[SHA256_SIZE];
  hmac_sha256(salt, SALT, secret.s, secret.len, mac);
  hex_write(mac, sizeof mac, out);
}

/* A resumed run used it before: the journal has it. */
static bool told_before(const struct run *run, struct text secret) {
  const struct history *h = run->history;
  for (uint32_t e = 1; h && e <= h->count; e++) {
    uint8_t salt[SALT];
    char hex[SHA256_HEX];
    if (h->events[e].kind != EVENT_SECRET_USED) continue;
    char *text = past_text(h, e, "salt");
    bool good = text && strlen(text) == 2 * SALT && hex_read(text, SALT, salt);
    mem_free(text);
    if (!good) continue;
    digest_hex(salt, secret, hex);
    if (past_is(h, e, "hmac", hex)) return true;
  }
  return false;
}

static bool used(struct run *run, uint32_t number) {
  for (size_t i = 0; i < run->used_count; i++)
    if (run->used[i] == number) return true;
  run->used = mem_grow(run->used, run->used_count, &run->used_cap, sizeof *run->used);
  run->used[run->used_count++] = number;
  return false;
}

static enum status text_record(struct lane *lane, struct text secret, struct error *err) {
  struct secret_known known;
  struct record r = {0};
  uint8_t salt[SALT];
  char salt_hex[2 * SALT + 1], mac[SHA256_HEX];
  if (!secrets_find(lane->run->engine->secrets, secret.s, secret.len, &known)) return OK;
  if (used(lane->run, known.number) || told_before(lane->run, secret)) return OK;
  random_bytes(salt, sizeof salt);
  hex_write(salt, sizeof salt, salt_hex);
  digest_hex(salt, secret, mac);
  record_text(&r, "name", known.name);
  record_text(&r, "driver", known.source);
  record_text(&r, "salt", salt_hex);
  record_text(&r, "hmac", mac);
  return run_append(lane, EVENT_NAME(SECRET_USED), &r, err);
}

static enum status value_record_in(struct lane *lane, value v, bool secret, struct error *err) {
  enum status status = OK;
  if (v.tag == V_SECRET) secret = true, v = secret_reveal(v);
  if (v.tag == V_ARRAY) {
    for (size_t i = 0; status == OK && i < value_array(v)->count; i++)
      status = value_record_in(lane, value_array(v)->items[i], secret, err);
  } else if (v.tag == V_HASH || v.tag == V_RECORD) {
    for (size_t i = 0; status == OK && i < dict_count(value_dict(v)); i++) {
      value key, inner;
      dict_at(value_dict(v), i, &key, &inner);
      status = value_record_in(lane, inner, secret, err);
    }
  } else if (secret && value_is_text(v)) {
    status = text_record(lane, value_text(v, lane->run->program->syms), err);
  }
  return status;
}

enum status credentials_record(struct action_run *c, struct error *err) {
  struct driver_call call;
  if (!secrets_any(c->lane->run->engine->secrets)) return OK;
  enum status status = action_driver_call(c, &call, err);
  if (status == OK) status = value_record_in(c->lane, call.setting, false, err);
  for (size_t i = 0; status == OK && i < c->action->take_count; i++)
    status = value_record_in(c->lane, c->args[i], false, err);
  return status;
}
