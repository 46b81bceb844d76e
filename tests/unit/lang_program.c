/* Checked programs as data: the plan, slots, types, and what depends on the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/plan.h"

struct file {
  const char *name, *text;
};
struct world { /* what the host offers */
  const struct file *files;
};

static struct source source_of(const char *name, const char *text) {
  struct source s;
  struct error err = {0};
  size_t len = strlen(text);
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  assert_int_equal(source_init(&s, name, copy, len, &err), OK);
  return s;
}

static enum status find_file(void *ud, const char *from, const char *name, struct source *out,
                             struct error *err) {
  const struct world *w = ud;
  (void)from;
  for (const struct file *f = w->files; f && f->name; f++)
    if (strcmp(f->name, name) == 0) return *out = source_of(name, f->text), OK;
  error_set(err, ERR_NOT_FOUND, "no file called %s", name);
  error_help(err, "look around");
  return err->status;
}

static const struct primitive_param web_params[] = {
    {"url", "string", "where"}, {"body", "string?", "what"}, {NULL, NULL, NULL}};
static const struct primitive_sig web_get = {
    "web", "get", web_params, "{status: integer, lines: [string]}", EFFECT_READ, "reads"};
static const struct primitive_sig web_post = {
    "web", "post", web_params, "{status: integer}", EFFECT_WRITE, "writes"};
static const struct primitive_sig *const primitives[] = {&web_get, &web_post, NULL};

static struct program *load(const char *text, const struct file *files) {
  struct world w = {files};
  struct program_host host = {.ud = &w,
                              .load_module = find_file,
                              .load_runbook = find_file,
                              .primitives = primitives};
  struct source s = source_of("main.rb", text);
  struct program *p;
  program_load(&p, &s, &host);
  p->host = NULL; /* the host ends with this function */
  return p;
}

static const struct diag *said(const struct program *p, enum diag_code code) {
  for (size_t i = 0; i < p->diags.count; i++)
    if (p->diags.items[i].code == code) return &p->diags.items[i];
  return NULL;
}

static void expect_said(struct program *p, enum diag_code code, const char *message) {
  const struct diag *d = said(p, code);
  if (!d) {
    struct buf b = BUF_INIT;
    diags_print(&p->diags, p->sources, false, &b);
    print_error("not said: %s\n%s\n", message, buf_str(&b));
    buf_release(&b);
  }
  assert_non_null(d);
  assert_string_equal(d->message, message);
}

static void expect_clean(struct program *p) {
  struct buf b = BUF_INIT;
  diags_print(&p->diags, p->sources, false, &b);
  assert_string_equal(buf_str(&b), "");
  buf_release(&b);
}

static const char plan_text[] =
    "binding :box do\n"
    "  action :put, effect: :write do\n    takes :what, :string\n    gives :id, :string\n  end\n"
    "  action :look, effect: :read do\n    gives :integer\n  end\n"
    "end\n"
    "runbook \"plan\" do\n"
    "  title \"A plan\"\n"
    "  tags \"a\", \"b\"\n"
    "  reviewed \"2026-11-02\", by: \"me\"\n"
    "  severity :sev2\n"
    "  requires role: :lead\n"
    "  on_failure :rollback\n"
    "  input :n, :integer, min: 1, default: 2\n"
    "  lock \"plan/#{input.n}\"\n"
    "  section \"First\" do\n"
    "    step \"Put the thing!\" do\n"
    "      guard \"room\", box.look < 5, otherwise: :skip\n"
    "      approve \"Put it?\", by: :lead, quorum: 2, within: 5.minutes\n"
    "      retries 2, on: [:transient, :provider]\n"
    "      thing = box.put(what: \"x\")\n"
    "      note thing.id\n"
    "      verify(\"there\") { box.look == 1 }\n"
    "      rollback { note \"gone\" }\n"
    "      on_failure :retry\n"
    "    end\n"
    "  end\n"
    "  each_of [{ id: 1 }, { id: 2 }], as: :id, at_once: 2 do |x|\n"
    "    step \"Count #{x[:id]} things\", id: \"count\" do\n"
    "      total = [1, 2].map { |y| y + x[:id] }.sum\n"
    "      total += 1\n"
    "      show total\n"
    "    end\n"
    "  end\n"
    "  if input.n > 1\n    step(\"More\") { note \"more\" }\n  elsif input.n == 1\n    "
    "step(\"One\") { note \"one\" }\n"
    "  else\n    step(\"None\") { note \"none\" }\n  end\n"
    "  on_failure do |failure|\n    note failure.message\n  end\n"
    "end\n";

static void plan_says_what_the_text_says(void **state) {
  (void)state;
  struct program *p = load(plan_text, NULL);
  expect_clean(p);
  const struct plan *plan = p->plan;
  assert_string_equal(plan->name, "plan");
  assert_string_equal(plan->title, "A plan");
  assert_int_equal(plan->tag_count, 2);
  assert_string_equal(plan->tags[1], "b");
  assert_string_equal(plan->reviewed_by, "me");
  assert_string_equal(sym_text(p->syms, plan->severity), "sev2");
  assert_string_equal(sym_text(p->syms, plan->requires_role), "lead");
  assert_int_equal(plan->policy, POLICY_ROLLBACK);
  assert_int_equal(plan->input_count, 1);
  assert_int_equal(plan->inputs[0].type, T_integer);
  assert_int_equal(tree_int(tree_node(p->trees[0], plan->inputs[0].default_value)), 2);
  assert_int_equal(tree_node(p->trees[0], plan->lock)->kind, N_dstr);
  assert_int_equal(tree_node(p->trees[0], plan->on_failure)->kind, N_block);
  assert_int_equal(plan->step_count, 5);
  const char *const ids[] = {"put-the-thing", "count", "more", "one", "none"};
  for (size_t i = 0; i < 5; i++)
    assert_string_equal(plan->steps[i]->id, ids[i]);
  program_free(p);
}

static void steps_hold_their_clauses(void **state) {
  (void)state;
  struct program *p = load(plan_text, NULL);
  const struct tree *t = p->trees[0];
  const struct step *s = p->plan->steps[0];
  assert_string_equal(s->label, "Put the thing!");
  assert_int_equal(s->label_node, 0);
  assert_int_equal(s->guards->otherwise, OTHERWISE_SKIP);
  assert_int_equal(s->approvals->quorum, 2);
  assert_string_equal(sym_text(p->syms, s->approvals->role), "lead");
  assert_int_not_equal(s->approvals->within, 0);
  assert_int_equal(s->approvals->use_by, 0);
  assert_int_equal(s->retry->kind_count, 2);
  assert_string_equal(sym_text(p->syms, s->retry->kinds[1]), "provider");
  assert_int_equal(tree_node(t, s->verifies->text)->kind, N_str);
  assert_int_not_equal(s->rollback, 0);
  assert_int_equal(s->irreversible, 0);
  assert_true(s->writes);
  assert_int_equal(s->policy, POLICY_RETRY);
  unsigned clauses = 0, lines = 0;
  for (node_id n = tree_node(t, s->body)->a; n; n = tree_node(t, n)->next)
    if (tree_node(t, n)->kind == N_call && (tree_node(t, n)->flags & NF_CLAUSE)) clauses++;
    else lines++;
  assert_int_equal(clauses, 6);
  assert_int_equal(lines, 2);
  s = p->plan->steps[1];
  assert_string_equal(s->label, "Count #{x[:id]} things");
  assert_int_not_equal(s->label_node, 0);
  assert_false(s->writes);
  program_free(p);
}

static void items_follow_the_text(void **state) {
  (void)state;
  struct program *p = load(plan_text, NULL);
  const struct item *i = p->plan->items;
  assert_int_equal(i->kind, ITEM_SECTION);
  assert_string_equal(i->title, "First");
  assert_int_equal(i->items->kind, ITEM_STEP);
  assert_ptr_equal(i->items->step, p->plan->steps[0]);
  i = i->next;
  assert_int_equal(i->kind, ITEM_EACH_OF);
  assert_string_equal(sym_text(p->syms, i->key_name), "id");
  assert_string_equal(sym_text(p->syms, tree_node(p->trees[0], i->param)->a), "x");
  assert_int_equal(i->items->kind, ITEM_STEP);
  i = i->next;
  assert_int_equal(i->kind, ITEM_IF);
  const struct branch *b = i->branches;
  assert_int_not_equal(b->cond, 0);
  assert_int_not_equal(b->next->cond, 0);
  assert_int_equal(b->next->next->cond, 0);
  assert_string_equal(b->next->next->items->step->id, "none");
  assert_null(b->next->next->next);
  assert_null(i->next);
  program_free(p);
}

static void variables_have_slots(void **state) {
  (void)state;
  struct program *p = load(plan_text, NULL);
  const struct unit *u = &p->plan->unit;
  const struct step *put = p->plan->steps[0], *count = p->plan->steps[1];
  assert_int_equal(put->output_count, 1);
  assert_string_equal(sym_text(p->syms, u->slot_names[put->outputs[0]]), "thing");
  assert_int_equal(count->output_count, 1);
  assert_string_equal(sym_text(p->syms, u->slot_names[count->outputs[0]]), "total");
  /* thing, total, and one slot each for x and for the y inside it; failure takes x's. */
  assert_int_equal(u->slot_count, 4);
  unsigned unnamed = 0;
  for (uint32_t i = 0; i < u->slot_count; i++)
    unnamed += !u->slot_names[i];
  assert_int_equal(unnamed, 2);
  program_free(p);
}

static void calls_find_their_actions(void **state) {
  (void)state;
  struct program *p = load(plan_text, NULL);
  const struct tree *t = p->trees[0];
  unsigned puts = 0, looks = 0;
  for (node_id n = 1; n < t->count; n++) {
    const struct action *a = program_action(p, t, tree_node(t, n));
    if (!a) continue;
    puts += strcmp(sym_text(p->syms, a->name), "put") == 0;
    looks += strcmp(sym_text(p->syms, a->name), "look") == 0;
  }
  assert_int_equal(puts, 1);
  assert_int_equal(looks, 2);
  const struct action *put = &p->bindings[0]->actions[0], *look = &p->bindings[0]->actions[1];
  assert_int_equal(put->repeat, REPEAT_UNSAFE);
  assert_int_equal(look->repeat, REPEAT_SAFE);
  assert_int_equal(put->give_count, 1);
  assert_null(put->plain);
  assert_int_equal(look->result, T_integer);
  assert_non_null(look->plain);
  program_free(p);
}

#define STEP(text) "runbook \"main\" do\n  step \"one\" do\n" text "\n  end\nend\n"

#define DRIVER(effect, code)                                                                       \
  "binding :b do\n  action :a, effect: " effect " do\n    takes :x, :string\n    gives :string\n"  \
  "  end\nend\ndriver :d, for: :b do\n  perform :a do |x|\n" code "\n  end\nend\n"

static void primitives_are_for_drivers(void **state) {
  (void)state;
  struct program *p = load(STEP("show web.get(\"x\")"), NULL);
  expect_said(p, D_primitive_place, "`web` is a primitive, for drivers only");
  program_free(p);
  p = load(DRIVER(":read", "web.get(x).lines.map { |l| l.strip }.join"), NULL);
  expect_clean(p);
  const struct tree *t = p->trees[0];
  unsigned found = 0;
  p->host = &(struct program_host){.primitives = primitives};
  for (node_id n = 1; n < t->count; n++)
    found += program_primitive(p, t, tree_node(t, n)) == &web_get;
  assert_int_equal(found, 1);
  program_free(p);
  p = load(DRIVER(":read", "web.post(url: x).status.to_s"), NULL);
  expect_said(p, D_driver_effect,
              "`web.post` writes, and the perform of a read action may only read");
  program_free(p);
  p = load(DRIVER(":write", "web.pst(url: x).status.to_s"), NULL);
  expect_said(p, D_unknown_action, "the primitive `web` has no `pst`");
  assert_string_equal(said(p, D_unknown_action)->help, "did you mean `post`?");
  program_free(p);
  p = load(DRIVER(":write", "web.post(body: x).lines\nx"), NULL);
  expect_said(p, D_missing_keyword, "`web.post` needs `url:`");
  expect_said(p, D_unknown_field, "no field `lines` in a record with status");
  program_free(p);
}

static const struct file children[] = {
    {"child",
     "runbook \"child\" do\n  input :host, :string\n  input :n, :integer, default: 1, max: 5\n"
     "  step(\"x\") { show [input.host, input.n] }\nend\n"},
    {"back", "runbook \"back\" do\n  run \"between\"\nend\n"},
    {"between", "runbook \"between\" do\n  start \"main\"\nend\n"},
    {"broken", "runbook \"broken\" do\n  step \"x\" do\nend\n"},
    {"module", "binding :m do\n  action :a, effect: :read\nend\n"},
    {NULL, NULL}};

#define PLAN(text) "runbook \"main\" do\n" text "\n  step(\"x\") { note \"x\" }\nend\n"

static void child_runs_are_checked(void **state) {
  (void)state;
  struct program *p = load(PLAN("run \"child\", host: \"a\", n: 3\nr = run \"child\", host: "
                                "\"b\"\nif r.run == \"x\"\n  start \"child\", host: \"c\"\nend"),
                           children);
  expect_clean(p);
  program_free(p);
  p = load(PLAN("run \"child\", hst: \"a\""), children);
  expect_said(p, D_unknown_input, "the runbook `child` has no input `hst`");
  program_free(p);
  p = load(PLAN("run \"child\""), children);
  expect_said(p, D_missing_keyword, "the runbook `child` needs `host:`");
  program_free(p);
  p = load(PLAN("run \"child\", host: 3, n: 9"), children);
  expect_said(p, D_wrong_type, "`host` is a string, not an integer");
  expect_said(p, D_out_of_range, "`n` is at most 5, not 9");
  program_free(p);
  p = load(PLAN("run \"chld\""), children);
  expect_said(p, D_child_runbook, "no file called chld");
  assert_string_equal(said(p, D_child_runbook)->help, "look around");
  program_free(p);
  p = load(PLAN("run \"module\""), children);
  expect_said(p, D_child_runbook, "module holds no runbook");
  program_free(p);
  p = load(PLAN("run \"broken\""), children);
  assert_true(p->diags.errors > 0);
  program_free(p);
}

static void runs_cannot_come_back(void **state) {
  (void)state;
  struct program *p = load(PLAN("run \"main\""), children);
  expect_said(p, D_recursion, "a runbook cannot run itself");
  program_free(p);
  p = load(PLAN("run \"back\""), children);
  expect_said(p, D_recursion, "the runbook `back` runs this one or itself again");
  program_free(p);
}

static bool expression(const char *text, struct program **p, struct unit *u, bool *incomplete) {
  struct source s = source_of("expression", text);
  return program_load_expression(p, &s, NULL, u, incomplete);
}

static void expressions_stand_alone(void **state) {
  (void)state;
  struct program *p;
  struct unit u;
  bool incomplete;
  assert_true(expression("x = 2\ny = [1, 2].map { |n| n + x }\ny.sum", &p, &u, &incomplete));
  assert_false(incomplete);
  assert_int_equal(u.slot_count, 3);
  assert_int_equal(p->diags.warnings, 0);
  program_free(p);
  assert_false(expression("[1, 2", &p, &u, &incomplete));
  assert_true(incomplete);
  program_free(p);
  assert_false(expression("nope + 1", &p, &u, &incomplete));
  assert_false(incomplete);
  expect_said(p, D_unknown_name, "no variable `nope`");
  program_free(p);
  assert_false(expression("note \"x\"", &p, &u, NULL));
  program_free(p);
}

/* Which variables are set must not depend on how many there are, nor take more than linear time. */
static void many_variables(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  struct buf b = BUF_INIT;
  buf_adds(&b, "runbook \"main\" do\n  input :n, :integer\n  step \"one\" do\n");
  for (int i = 0; i < COUNT; i++)
    buf_addf(
        &b,
        "    if input.n == %d\n      a%d = 1\n      b%d = 1\n    else\n      a%d = 2\n    end\n", i,
        i, i, i);
  for (int i = 0; i < COUNT; i++)
    buf_addf(&b, "    skip! \"no\" if a%d == %d\n", i, i);
  buf_adds(&b, "  end\n  step \"two\" do\n");
  for (int i = 0; i < COUNT; i++)
    buf_addf(&b, "    note \"#{a%d}\"\n", i);
  buf_addf(&b, "    note \"#{b%d}\"\n  end\nend\n", COUNT - 1);
  struct program *p = load(buf_str(&b), NULL);
  assert_int_equal(p->diags.errors, 1);
  char text[64];
  snprintf(text, sizeof text, "`b%d` may not be set here", COUNT - 1);
  expect_said(p, D_unset, text);
  assert_int_equal(p->plan->unit.slot_count, 2 * COUNT);
  program_free(p);
  buf_release(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plan_says_what_the_text_says),
      cmocka_unit_test(steps_hold_their_clauses),
      cmocka_unit_test(items_follow_the_text),
      cmocka_unit_test(variables_have_slots),
      cmocka_unit_test(calls_find_their_actions),
      cmocka_unit_test(primitives_are_for_drivers),
      cmocka_unit_test(child_runs_are_checked),
      cmocka_unit_test(runs_cannot_come_back),
      cmocka_unit_test(expressions_stand_alone),
      cmocka_unit_test(many_variables),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
