/* stepwise journal checkpoint: writes down what the chain is now, where it is kept safe. */
#include "checkpoint.h"
#include "journal_request.h"
#include "load.h"
#include "site_at.h"

static void report(struct journal_request *q, const struct checkpoint_order *o,
                   const struct checkpoint *c, const char *fingerprint) {
  FILE *out = o->count ? stdout : stderr;
  struct buf b = BUF_INIT;
  if (q->json && o->count) {
    buf_addf(&b, "{\"origin\":\"%s\",\"size\":%lld,\"head\":\"%s\",\"time_us\":%lld,\"signed\":%s",
             c->origin, (long long)c->size, c->head, (long long)c->time_us,
             c->signature ? "true" : "false");
    if (c->signature) buf_addf(&b, ",\"key\":\"%s\"", fingerprint);
    buf_addc(&b, '}');
  } else {
    buf_addf(&b, "checkpoint of %lld events, head %s, %s", (long long)c->size, c->head,
             c->signature ? "signed by " : "not signed");
    buf_adds(&b, c->signature ? fingerprint : "");
  }
  fprintf(out, "%s\n", buf_str(&b));
  if (!c->signature)
    fputs(
        "stepwise: the checkpoint is not signed: whoever can write where it is kept can change it "
        "too\nhelp: sign with --key FILE, an SSH key\n",
        stderr);
  buf_release(&b);
}

/* What is said counts; else what the site says; else the checkpoint is the output. */
static struct checkpoint_order order_of(const struct journal_request *q, const struct site *site) {
  struct checkpoint_order o = {.to = q->to.items, .count = q->to.count, .key = q->key};
  if (site && !o.count) {
    o.to = (const char *const *)site->checkpoint_to;
    o.count = site->checkpoint_count;
    o.beside = site->file;
  }
  if (site && !o.key) o.key = site->checkpoint_key;
  return o;
}

int journal_do_checkpoint(struct journal_request *q) {
  char fingerprint[SSH_FINGERPRINT];
  struct host host;
  struct site *site = NULL;
  struct checkpoint c = {0};
  host_open(&host);
  int code = load_site(q->site, NULL, false, &host, &site);
  struct checkpoint_order order = order_of(q, site);
  if (code == EXIT_SUCCEEDED) code = checkpoint_write(q->j, &order, &c, fingerprint);
  if (code == EXIT_SUCCEEDED) report(q, &order, &c, fingerprint);
  checkpoint_release(&c);
  site_free(site);
  host_release(&host);
  return code == EXIT_SUCCEEDED ? journal_printed(code) : code;
}
