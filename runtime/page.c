/* Pages. */
#include "page.h"

void page_record(struct record *r, const struct site_role *role, const char *name,
                 const char *text) {
  struct record ways = {0};
  record_text(r, "role", name);
  record_text(r, "text", text);
  if (role) record_texts(r, "members", (const char *const *)role->members, role->member_count);
  for (size_t i = 0; role && i < role->contact_count; i++)
    record_text(&ways, role->contacts[i].way, role->contacts[i].to);
  if (ways.data.len) {
    buf_addc(&ways.data, '}');
    record_raw(r, "contacts", buf_str(&ways.data));
  }
  record_bool(r, "delivered", false);
  buf_release(&ways.data);
}

void page_members(const struct site_role *role, struct buf *out) {
  role_members_text(role, out);
  for (size_t i = 0; i < role->contact_count; i++)
    buf_addf(out, "%s%s %s", i ? ", " : "; ", role->contacts[i].way, role->contacts[i].to);
}

static void tell(struct lane *lane, const struct site_role *role, const char *name,
                 const char *text) {
  struct buf who = BUF_INIT;
  buf_addf(&who, "call :%s", name);
  if (role) buf_adds(&who, " ("), page_members(role, &who), buf_addc(&who, ')');
  buf_adds(&who, ": this version delivers no pages");
  run_notice(lane,
             &(struct notice){.kind = NOTICE_PAGED, .text = text, .detail = buf_str(&who)});
  buf_release(&who);
}

enum status page_role(struct lane *lane, const char *name, const char *text, value severity,
                      struct error *err) {
  const struct site *site = lane->run->site;
  const struct site_role *role = NULL;
  struct record r = {0};
  enum status status = site ? site_role_find(site, name, &role, err) : OK;
  if (status != OK) return status;
  page_record(&r, role, name, text);
  if (severity.tag != V_NIL) record_value(&r, "severity", severity, lane->run->program->syms);
  tell(lane, role, name, text);
  return run_record(lane, EVENT_NAME(PAGED), &r, err);
}
