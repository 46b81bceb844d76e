/* Secrets of HashiCorp Vault, KV version 2, over its HTTP interface: a path, a field and maybe a
 * version of it, "twilio#auth_token@3". */
#include <ctype.h>
#include <stdlib.h>

#include "clock.h"
#include "codec.h"
#include "primitives/http.h"
#include "secret_store_inner.h"
#include "utf8.h"

#define TIMEOUT (10 * US_SECOND)
enum { ANSWER_MAX = 4 << 20, REDIRECTS = 2 };

/* The parts of a name. */
struct place {
  char *path;    /* owned */
  char *field;   /* or NULL; owned */
  char *version; /* digits, or NULL; owned */
};

static void place_release(struct place *p) {
  mem_free(p->path);
  mem_free(p->field);
  mem_free(p->version);
}

static enum status place_read(const char *name, struct place *out, struct error *err) {
  const char *hash = strchr(name, '#'), *rest = hash ? hash + 1 : name + strlen(name);
  const char *at = strrchr(rest, '@');
  *out = (struct place){0};
  if (!hash && (at = strrchr(name, '@'))) rest = at;
  bool versioned = at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1);
  const char *end = versioned ? at : name + strlen(name);
  out->path = mem_dup(name, (size_t)((hash && hash < end ? hash : end) - name));
  if (hash) out->field = mem_dup(rest, (size_t)(end - rest));
  if (versioned) out->version = mem_strdup(at + 1);
  if (*out->path && !(out->field && !*out->field)) return OK;
  error_set(err, ERR_VALUE, "'%s' names no secret of Vault", name);
  error_help(err, "a path and a field, as \"twilio#auth_token\"; a version may follow: \"twilio#auth_token@3\"");
  return ERR_VALUE;
}

/* --- the request --- */

static void url_part(const char *s, struct buf *out) {
  for (; *s; s++) {
    if (isalnum((unsigned char)*s) || strchr("-._~/", *s)) buf_addc(out, *s);
    else buf_addf(out, "%%%02X", (unsigned char)*s);
  }
}

static void url_make(const struct secret_job *job, const struct place *p, struct buf *out) {
  const char *address = secret_text(job, SECRET_vault_address);
  const char *mount = secret_text(job, SECRET_vault_mount);
  size_t n = strlen(address);
  while (n && address[n - 1] == '/')
    n--;
  buf_add(out, address, n);
  buf_adds(out, "/v1/");
  url_part(mount ? mount : "secret", out);
  buf_adds(out, "/data/");
  url_part(p->path, out);
  if (p->version) buf_addf(out, "?version=%s", p->version);
}

static enum status token_take(const struct secret_job *job, struct buf *out, struct error *err) {
  const char *text = secret_text(job, SECRET_vault_token);
  const char *file = secret_text(job, SECRET_vault_token_file);
  enum status status = OK;
  if (!text && !file) text = getenv("VAULT_TOKEN");
  if (text) buf_adds(out, text);
  else if (file) status = secret_file_read(file, NULL, "Vault's token", out, err);
  while (out->len && isspace((unsigned char)out->data[out->len - 1]))
    buf_truncate(out, out->len - 1);
  if (status != OK) return status;
  for (size_t i = 0; i < out->len; i++)
    if ((unsigned char)out->data[i] <= ' ' || (unsigned char)out->data[i] >= 0x7F)
      return error_set(err, ERR_VALUE, "Vault's token is not one word");
  if (out->len && job->reach->secrets)
    secrets_learn(job->reach->secrets, "vault.token", "vault", out->data, out->len);
  if (out->len) return OK;
  if (file && !text) return error_set(err, ERR_NOT_FOUND, "Vault's token: the file %s is empty", file);
  error_set(err, ERR_NOT_FOUND, "there is no token for Vault");
  error_help(err, "say token_file:, or token: env(\"...\"), or set VAULT_TOKEN");
  return ERR_NOT_FOUND;
}

static enum status ask(const struct secret_job *job, const char *url, const char *token,
                       struct http_response *out, struct error *err) {
  const char *space = secret_text(job, SECRET_vault_namespace);
  struct http_header headers[3] = {{(char *)(uintptr_t) "X-Vault-Request", (char *)(uintptr_t) "true"},
                                   {(char *)(uintptr_t) "X-Vault-Token", (char *)(uintptr_t)token},
                                   {(char *)(uintptr_t) "X-Vault-Namespace", (char *)(uintptr_t)space}};
  int64_t timeout = secret_duration(job, SECRET_vault_timeout, TIMEOUT);
  const struct http_request request = {.method = "GET",
                                       .url = url,
                                       .headers = headers,
                                       .header_count = space ? 3 : 2,
                                       .stays = true,
                                       .ca_file = secret_text(job, SECRET_vault_ca_file),
                                       .timeout = timeout,
                                       .connect_timeout = timeout,
                                       .max = ANSWER_MAX,
                                       .follow = REDIRECTS};
  return http_send(job->reach->tasks, &request, out, err);
}

/* --- what is no secret --- */

/* Vault's own words: {"errors": ["..."]}. */
static void words_of(struct symtab *syms, const struct buf *body, struct buf *out) {
  struct error ignored = {0};
  value v, errors, key = value_cstr("errors");
  if (json_read(buf_str(body), body->len, syms, false, &v, &ignored) == OK) {
    bool list = v.tag == V_HASH && dict_get(value_dict(v), key, &errors) && errors.tag == V_ARRAY;
    for (size_t i = 0; list && i < value_array(errors)->count; i++)
      if (value_array(errors)->items[i].tag == V_STRING)
        buf_addf(out, "%s%s", out->len ? "; " : "", value_str(value_array(errors)->items[i])->s);
    value_unref(v);
  }
  for (size_t i = 0; i < out->len; i++)
    if ((unsigned char)out->data[i] < ' ') out->data[i] = ' ';
  value_unref(key);
  error_release(&ignored);
}

static enum status refused(const struct secret_job *job, const struct place *p, long status,
                           const char *words, struct error *err) {
  const char *address = secret_text(job, SECRET_vault_address);
  const char *mount = secret_text(job, SECRET_vault_mount);
  if (!mount) mount = "secret";
  const char *said = *words ? words : "it gives no reason";
  switch (status) {
  case 403:
    error_set(err, ERR_FAILED, "Vault denies the secret %s: %s", job->name, said);
    error_help(err, "the token is not valid any more, or its policy lacks read on %s/data/%s", mount, p->path);
    error_kind(err, "permission");
    return ERR_FAILED;
  case 404:
    error_set(err, ERR_NOT_FOUND, "no secret %s: Vault has nothing at %s/data/%s%s%s", job->name, mount,
              p->path, p->version ? ", version " : "", p->version ? p->version : "");
    error_help(err, "or that version was deleted, or %s is no mount of KV version 2", mount);
    return ERR_NOT_FOUND;
  case 503:
    error_set(err, ERR_FAILED, "Vault at %s does not answer for secrets: %s", address, said);
    error_help(err, "a sealed Vault is opened by those who hold its keys: vault operator unseal");
    error_kind(err, "transient");
    return ERR_FAILED;
  default:
    error_set(err, ERR_FAILED, "Vault answered %ld when asked for the secret %s: %s", status, job->name, said);
    error_kind(err, status >= 500 || status == 429 ? "transient" : "provider");
    return ERR_FAILED;
  }
}

/* --- its fields --- */

static bool member(value v, const char *name, value *out) {
  value key = value_cstr(name);
  bool found = v.tag == V_HASH && dict_get(value_dict(v), key, out);
  value_unref(key);
  return found;
}

static enum status field_missing(const struct secret_job *job, value fields, struct error *err) {
  struct buf names = BUF_INIT;
  for (size_t i = 0; i < dict_count(value_dict(fields)) && i < 20; i++) {
    value key, ignored;
    dict_at(value_dict(fields), i, &key, &ignored);
    buf_addf(&names, "%s%s", i ? ", " : "", value_str(key)->s);
  }
  error_set(err, ERR_NOT_FOUND, "no secret %s: %s", job->name,
            strchr(job->name, '#') ? "it has no such field" : "it has several fields");
  error_help(err, "its fields are %s; name one, as \"path#field\"", names.len ? buf_str(&names) : "none");
  buf_release(&names);
  return ERR_NOT_FOUND;
}

/* Without a name: the only one, or the one named value. */
static bool field_find(value fields, const char *name, value *out) {
  value key;
  if (name) return member(fields, name, out);
  if (dict_count(value_dict(fields)) != 1) return member(fields, "value", out);
  dict_at(value_dict(fields), 0, &key, out);
  return true;
}

static enum status field_take(struct secret_job *job, const struct place *p, struct symtab *syms,
                              value answer, struct error *err) {
  value data, fields, v;
  if (!member(answer, "data", &data) || !member(data, "data", &fields) || fields.tag != V_HASH) {
    error_set(err, ERR_FAILED, "what Vault answered for the secret %s is no KV version 2", job->name);
    error_help(err, "mount: names a mount of KV version 2; it is \"secret\" unless said");
    error_kind(err, "provider");
    return ERR_FAILED;
  }
  if (!field_find(fields, p->field, &v)) return field_missing(job, fields, err);
  if (v.tag != V_STRING && v.tag != V_INT && v.tag != V_FLOAT)
    return error_set(err, ERR_VALUE, "the secret %s is %s, not a text", job->name, value_type_name(v));
  value_to_s(v, syms, &job->out);
  return OK;
}

/* The answer's texts do not stay in freed memory. */
static void answer_wipe(value v) {
  if (v.tag == V_STRING) explicit_bzero(value_str(v)->s, value_str(v)->len);
  for (size_t i = 0; v.tag == V_HASH && i < dict_count(value_dict(v)); i++) {
    value key, inner;
    dict_at(value_dict(v), i, &key, &inner);
    answer_wipe(inner);
  }
}

static enum status answer_read(struct secret_job *job, const struct place *p, const struct buf *body,
                               struct error *err) {
  struct symtab *syms = symtab_new();
  struct error bad = {0};
  value answer;
  enum status status = json_read(buf_str(body), body->len, syms, false, &answer, &bad);
  if (status != OK) { /* the error would show what stands there */
    status = error_set(err, ERR_FAILED, "what Vault answered for the secret %s is no JSON", job->name);
    error_kind(err, "provider");
  } else {
    status = field_take(job, p, syms, answer, err);
    answer_wipe(answer);
    value_unref(answer);
  }
  error_release(&bad);
  symtab_free(syms);
  return status;
}

/* --- all of it --- */

static enum status place_fetch(struct secret_job *job, const struct place *p, const char *url,
                               struct error *err) {
  struct http_response r = {0};
  struct buf token = {.max = SECRET_MAX}, words = BUF_INIT;
  struct symtab *syms = symtab_new();
  enum status status = token_take(job, &token, err);
  if (status == OK) status = ask(job, url, token.data, &r, err);
  if (status == OK && r.status != 200) {
    words_of(syms, &r.body, &words);
    redact_text(job->reach->secrets, &words); /* it may say the token back */
    status = refused(job, p, r.status, buf_str(&words), err);
  }
  if (status == OK) status = answer_read(job, p, &r.body, err);
  if (status == OK) secret_keep(job, url, &r.body);
  buf_wipe(&token);
  buf_wipe(&r.body);
  buf_release(&r.headers);
  buf_release(&words);
  mem_free(r.url);
  symtab_free(syms);
  return status;
}

enum status secret_from_vault(struct secret_job *job, struct error *err) {
  struct place p;
  struct buf url = BUF_INIT;
  enum status status = place_read(job->name, &p, err);
  if (status == OK) {
    url_make(job, &p, &url);
    const struct buf *kept = secret_kept(job, buf_str(&url));
    status = kept ? answer_read(job, &p, kept, err) : place_fetch(job, &p, buf_str(&url), err);
  }
  buf_release(&url);
  place_release(&p);
  return status;
}
