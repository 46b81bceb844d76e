/* One HTTP request through the module, wherever the caller stands. */
#include "curl.h"

struct call_task {
  const struct curl_module *module;
  struct tasks *tasks;
  const struct http_request *request;
  struct http_response *response;
  struct error *err;
  enum status status;
};

static void call_main(void *arg) {
  struct call_task *c = arg;
  c->status = c->module->http(c->tasks, c->request, c->response, c->err);
}

static enum status call_alone(struct call_task *c) {
  struct clock clock;
  clock_real(&clock);
  c->tasks = tasks_new(&clock);
  task_release(task_spawn(c->tasks, call_main, c));
  tasks_run(c->tasks);
  tasks_free(c->tasks);
  return c->status;
}

enum status http_send(struct tasks *t, const struct http_request *request, struct http_response *out,
                      struct error *err) {
  const struct curl_module *module;
  enum status s = curl_open(t, &module, err);
  if (s != OK) return s;
  struct call_task c = {.module = module, .tasks = t, .request = request, .response = out, .err = err};
  if (!t || !task_current(t)) return call_alone(&c);
  call_main(&c);
  return c.status;
}
