/* Runs commands by turns and tells how long each took and how much memory it held at most.
 *
 * usage: measure ROUNDS -- COMMAND ARG... [-- COMMAND ARG...]...
 *
 * One round runs every command once, in order, so that a slow moment of the machine falls on all of
 * them; the first round warms up and is not counted. Standard output of the commands is dropped.
 * Prints one line per command: median, least and most seconds, and peak resident KiB. A command
 * that ends with anything but 0 stops the measurement. The parent stays small and uses vfork,
 * because a child's peak counts the memory of the process it was made from. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 16, MAX_ROUNDS = 1001 };

struct command {
  char **argv;
  double seconds[MAX_ROUNDS];
  long peak; /* KiB */
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct command *c, int round, int null) {
  double start = now();
  pid_t pid = vfork();
  if (pid == 0) {
    dup2(null, 1);
    execvp(c->argv[0], c->argv);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (pid < 0 || wait4(pid, &status, 0, &used) != pid) return 1;
  double took = now() - start;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "measure: %s ended with status %d\n", c->argv[0],
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 1;
  }
  if (round >= 0) c->seconds[round] = took;
  if (used.ru_maxrss > c->peak) c->peak = used.ru_maxrss;
  return 0;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Cuts argv at each "--" into commands; returns how many. */
static int split(char **argv, struct command *commands) {
  int count = 0;
  for (char **a = argv; *a; a++) {
    if (strcmp(*a, "--") != 0) continue;
    *a = NULL;
    if (count == MAX_COMMANDS || !a[1]) return 0;
    commands[count++].argv = a + 1;
  }
  return count;
}

int main(int argc, char **argv) {
  static struct command commands[MAX_COMMANDS];
  int rounds = argc > 1 ? atoi(argv[1]) : 0;
  int count = argc > 1 ? split(argv + 2, commands) : 0;
  if (rounds < 1 || rounds > MAX_ROUNDS || count == 0) {
    fputs("usage: measure ROUNDS -- COMMAND ARG... [-- COMMAND ARG...]...\n", stderr);
    return 2;
  }
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (int round = -1; round < rounds; round++)
    for (int i = 0; i < count; i++)
      if (run(&commands[i], round, null) != 0) return 1;
  for (int i = 0; i < count; i++) {
    double *s = commands[i].seconds;
    qsort(s, (size_t)rounds, sizeof *s, by_size);
    printf("%.6f %.6f %.6f %ld\n", s[rounds / 2], s[0], s[rounds - 1], commands[i].peak);
  }
  return 0;
}
