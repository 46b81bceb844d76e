/* SSH signatures with real keys, in files and in an agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/ssh.h"

static char dir[] = "/tmp/stepwise-ssh-XXXXXX";
static char key[64], public_key[64], locked[64], lonely[64], agent_socket[64];
static char *allowed;

static void tool(const char *const *args, struct process_result *out) {
  struct error err = {0};
  struct process_spec spec = {.args = args};
  enum status s = process_run(NULL, &spec, out, &err);
  if (s != OK || out->status != 0) {
    fprintf(stderr, "%s: %s %s\n", args[0], err.message ? err.message : "", buf_str(&out->err));
    abort();
  }
}

static void tool_quietly(const char *const *args) {
  struct process_result r;
  tool(args, &r);
  process_result_release(&r);
}

static void make_key(const char *path, const char *passphrase) {
  tool_quietly((const char *const[]){"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C",
                                     "a test", "-f", path, NULL});
}

static int set_up(void **state) {
  struct process_result r;
  struct buf text = BUF_INIT;
  (void)state;
  unsetenv("SSH_AUTH_SOCK");
  if (!mkdtemp(dir)) return -1;
  snprintf(key, sizeof key, "%s/key", dir);
  snprintf(public_key, sizeof public_key, "%s/key.pub", dir);
  snprintf(locked, sizeof locked, "%s/locked", dir);
  snprintf(lonely, sizeof lonely, "%s/lonely.pub", dir);
  snprintf(agent_socket, sizeof agent_socket, "%s/agent", dir);
  make_key(key, "");
  make_key(locked, "secret");
  tool_quietly((const char *const[]){"cp", public_key, lonely, NULL});
  tool((const char *const[]){"cat", public_key, NULL}, &r);
  buf_addf(&text, "ana namespaces=\"stepwise-approval\" %s", buf_str(&r.out));
  buf_addf(&text, "lee valid-before=\"20200101\" %s", buf_str(&r.out));
  allowed = buf_take(&text);
  process_result_release(&r);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  mem_free(allowed);
  tool_quietly((const char *const[]){"rm", "-r", dir, NULL});
  return 0;
}

static char *sign(const char *path, const char *space, const char *text) {
  struct error err = {0};
  struct ssh_key with = {.path = path};
  char *signature = NULL;
  enum status s = ssh_sign(NULL, &with, space, text, strlen(text), &signature, &err);
  if (s != OK) fail_msg("%s", err.message);
  return signature;
}

static void expect_refusal(const struct ssh_check *check, const char *message) {
  struct error err = {0};
  assert_int_equal(ssh_verify(NULL, check, NULL, &err), ERR_FAILED);
  assert_string_equal(err.message, message);
  assert_string_equal(err.kind, "signature");
  error_release(&err);
}

static void a_signature_is_good_for_its_text_only(void **state) {
  (void)state;
  struct error err = {0};
  char *signature = sign(key, SSH_APPROVAL, "approve run 1\n");
  char seen[SSH_FINGERPRINT], own[SSH_FINGERPRINT];
  struct ssh_check good = {.allowed = allowed,
                           .principal = "ana",
                           .space = SSH_APPROVAL,
                           .text = "approve run 1\n",
                           .len = 14,
                           .signature = signature};
  assert_int_equal(ssh_verify(NULL, &good, seen, &err), OK);
  assert_int_equal(ssh_fingerprint(NULL, key, own, &err), OK);
  assert_string_equal(seen, own);
  assert_memory_equal(seen, "SHA256:", 7);

  struct ssh_check bad = good;
  bad.text = "approve run 2\n";
  expect_refusal(&bad, "this is not a signature by ana: the text is not the one that was signed");
  bad = good, bad.len = 13;
  expect_refusal(&bad, "this is not a signature by ana: the text is not the one that was signed");
  bad = good, bad.principal = "sam";
  expect_refusal(&bad, "this is not a signature by sam: its key is none of theirs");
  bad = good, bad.space = SSH_CHECKPOINT;
  expect_refusal(&bad, "this is not a signature by ana: it was made for another purpose");
  bad = good, bad.signature = "-----BEGIN SSH SIGNATURE-----\n";
  expect_refusal(&bad, "this is not a signature by ana: it is no SSH signature");
  bad = good, bad.allowed = "";
  expect_refusal(&bad, "this is not a signature by ana: its key is none of theirs");
  mem_free(signature);
}

static void a_key_has_its_purpose_and_its_time(void **state) {
  (void)state;
  struct error err = {0};
  char *signature = sign(key, SSH_CHECKPOINT, "head");
  struct ssh_check check = {.allowed = allowed,
                            .principal = "ana",
                            .space = SSH_CHECKPOINT,
                            .text = "head",
                            .len = 4,
                            .signature = signature};
  expect_refusal(&check, "this is not a signature by ana: its key is not for this purpose");
  check.principal = "lee";
  expect_refusal(&check, "this is not a signature by lee: its key was not valid any more");
  check.at = INT64_C(1500000000) * US_SECOND; /* in 2017 it was */
  assert_int_equal(ssh_verify(NULL, &check, NULL, &err), OK);
  mem_free(signature);
}

static void who_has_a_key_is_known(void **state) {
  (void)state;
  struct error err = {0};
  bool has = false;
  assert_int_equal(ssh_has_key(NULL, allowed, "ana", &has, &err), OK);
  assert_true(has);
  assert_int_equal(ssh_has_key(NULL, allowed, "sam", &has, &err), OK);
  assert_false(has);
}

static void expect_no_sign(const char *path, const char *message, const char *help) {
  struct error err = {0};
  struct ssh_key with = {.path = path};
  char *signature = NULL;
  assert_int_equal(ssh_sign(NULL, &with, SSH_APPROVAL, "x", 1, &signature, &err), ERR_FAILED);
  assert_null(signature);
  if (!strstr(err.message, message)) fail_msg("%s", err.message);
  if (!strstr(err.help, help)) fail_msg("%s: %s", err.message, err.help);
  error_release(&err);
}

static void keys_that_cannot_sign_say_why(void **state) {
  (void)state;
  struct error err = {0};
  char out[SSH_FINGERPRINT], *text = NULL;
  expect_no_sign("/nowhere/key", "cannot sign with the key /nowhere/key: ", "check the path");
  expect_no_sign(locked, "incorrect passphrase", "put it into your agent first (ssh-add)");
  expect_no_sign(lonely, "cannot sign with the key ", "your agent holds");
  expect_no_sign("/etc/passwd",
                 "cannot sign with the key /etc/passwd: ", "it must be a private key");
  assert_int_equal(ssh_fingerprint(NULL, "/etc/passwd", out, &err), ERR_FAILED);
  assert_int_equal(ssh_allowed_read("/nowhere/signers", &text, &err), ERR_NOT_FOUND);
  error_release(&err);
}

static void without_openssh_it_says_what_to_install(void **state) {
  (void)state;
  struct error err = {0};
  struct ssh_key with = {.path = key};
  char *signature = NULL, *path = mem_strdup(getenv("PATH"));
  setenv("PATH", dir, 1);
  assert_int_equal(ssh_sign(NULL, &with, SSH_APPROVAL, "x", 1, &signature, &err), ERR_NOT_FOUND);
  assert_string_equal(err.help, "apt-get install openssh-client");
  setenv("PATH", path, 1);
  mem_free(path);
  error_release(&err);
}

static pid_t agent_start(void) {
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_WRONLY), 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a check fails */
    execlp("ssh-agent", "ssh-agent", "-D", "-a", agent_socket, (char *)NULL);
    _exit(127);
  }
  for (int i = 0; i < 500 && access(agent_socket, F_OK) != 0; i++)
    usleep(10000);
  setenv("SSH_AUTH_SOCK", agent_socket, 1);
  return pid;
}

static void an_agent_signs(void **state) {
  (void)state;
  struct error err = {0};
  pid_t agent = agent_start();
  expect_no_sign(lonely, "cannot sign with the key ", "your agent holds");
  tool_quietly((const char *const[]){"ssh-add", "-q", key, NULL});
  char *signature = sign(lonely, SSH_APPROVAL, "approve run 1\n");
  struct ssh_check check = {.allowed = allowed,
                            .principal = "ana",
                            .space = SSH_APPROVAL,
                            .text = "approve run 1\n",
                            .len = 14,
                            .signature = signature};
  assert_int_equal(ssh_verify(NULL, &check, NULL, &err), OK);
  mem_free(signature);
  kill(agent, SIGTERM);
  waitpid(agent, NULL, 0);
  unsetenv("SSH_AUTH_SOCK");
}

struct job {
  struct tasks *tasks;
  char *signature;
  enum status status;
};

static void sign_in_task(void *arg) {
  struct job *j = arg;
  struct error err = {0};
  struct ssh_key with = {.path = key};
  j->status = ssh_sign(j->tasks, &with, SSH_APPROVAL, "text", 4, &j->signature, &err);
  struct ssh_check check = {.allowed = allowed,
                            .principal = "ana",
                            .space = SSH_APPROVAL,
                            .text = "text",
                            .len = 4,
                            .signature = j->signature};
  if (j->status == OK) j->status = ssh_verify(j->tasks, &check, NULL, &err);
}

static void it_works_in_a_task(void **state) {
  (void)state;
  struct clock clock;
  struct job job = {0};
  clock_virtual(&clock, 1000000);
  job.tasks = tasks_new(&clock);
  task_release(task_spawn(job.tasks, sign_in_task, &job));
  tasks_run(job.tasks);
  assert_int_equal(job.status, OK);
  mem_free(job.signature);
  tasks_free(job.tasks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signature_is_good_for_its_text_only),
      cmocka_unit_test(a_key_has_its_purpose_and_its_time),
      cmocka_unit_test(who_has_a_key_is_known),
      cmocka_unit_test(keys_that_cannot_sign_say_why),
      cmocka_unit_test(without_openssh_it_says_what_to_install),
      cmocka_unit_test(an_agent_signs),
      cmocka_unit_test(it_works_in_a_task),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("ssh", tests, set_up, tear_down);
}
