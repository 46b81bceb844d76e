/* stepwise lint: reads and checks files without running anything. */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/program.h"
#include "../runtime/codec.h"
#include "../runtime/site_lint.h"
#include "../stdlib/embed.h"
#include "load.h"

struct lint {
  bool json;
  struct host *host;
  size_t files, errors, warnings;
  int code;
};

static void json_place(struct program *p, struct span at, struct buf *out) {
  struct source *s = p->sources[at.file];
  uint32_t line, col, end_line, end_col;
  source_line_col(s, at.start, &line, &col);
  source_line_col(s, at.end, &end_line, &end_col);
  buf_adds(out, "\"file\":");
  json_text(out, s->name, strlen(s->name));
  buf_addf(out, ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u", line, col, end_line,
           end_col);
}

/* One object a line: what an editor or a pipeline wants to know. */
static void json_diag(struct program *p, const struct diag *d, struct buf *out) {
  buf_addc(out, '{');
  json_place(p, d->at, out);
  buf_addf(out, ",\"severity\":\"%s\",\"code\":\"%s\",\"message\":",
           diag_severity(d->code) == SEV_ERROR ? "error" : "warning", diag_number(d->code));
  json_text(out, d->message, strlen(d->message));
  if (d->help) {
    buf_adds(out, ",\"help\":");
    json_text(out, d->help, strlen(d->help));
  }
  if (d->note) {
    buf_adds(out, ",\"note\":{");
    json_place(p, d->note_at, out);
    buf_adds(out, ",\"message\":");
    json_text(out, d->note, strlen(d->note));
    buf_addc(out, '}');
  }
  buf_adds(out, "}\n");
}

static void lint_diags(struct lint *l, struct program *p, const struct diags *diags) {
  struct buf b = BUF_INIT;
  if (l->json)
    for (size_t i = 0; i < diags->count; i++)
      json_diag(p, &diags->items[i], &b);
  else diags_print(diags, p->sources, colour_wanted(STDOUT_FILENO), &b);
  fputs(buf_str(&b), stdout);
  buf_release(&b);
  l->errors += diags->errors + diags->dropped;
  l->warnings += diags->warnings + diags->dropped_warnings;
  if (diags->errors) l->code = EXIT_INVALID;
}

/* A file that cannot be read is told like any other finding, and the rest is still checked. */
static void lint_unreadable(struct lint *l, const char *path, struct error *err) {
  struct buf b = BUF_INIT;
  l->errors++;
  l->code = EXIT_INVALID;
  if (l->json) {
    buf_adds(&b, "{\"file\":");
    json_text(&b, path, strlen(path));
    buf_adds(&b, ",\"severity\":\"error\",\"message\":");
    json_text(&b, err->message, strlen(err->message));
    buf_adds(&b, "}\n");
    fputs(b.data, stdout);
  } else {
    fflush(stdout);
    report_error(err);
  }
  buf_release(&b);
}

/* A runbook that uses all modules of the standard library, and those beside the site that are named as
 * a binding it connects. */
static void library(const struct lint *l, const char *path, const struct site *site,
                    struct program **out) {
  struct buf text = BUF_INIT, file = BUF_INIT;
  struct source s;
  struct error err = {0};
  const char *known;
  size_t len;
  buf_adds(&text, "runbook \"site\" do\n");
  for (const struct stdlib_file *f = stdlib_files; f->name; f++)
    buf_addf(&text, "  use \"%s\"\n", f->name);
  for (size_t i = 0; i < site->connection_count; i++) {
    const char *name = site->connections[i].binding;
    buf_clear(&file);
    path_beside(path, name, &file);
    if (!l->host->builtin(name, &known, &len) && access(buf_str(&file), R_OK) == 0)
      buf_addf(&text, "  use \"%s\"\n", name);
  }
  buf_adds(&text, "  step \"Nothing\" do\n    note \"nothing\"\n  end\nend\n");
  len = text.len;
  buf_addc(&text, 0), buf_addc(&text, 0);
  if (source_init(&s, path, buf_take(&text), len, &err) == OK) program_load(out, &s, &l->host->program);
  else source_release(&s), error_release(&err);
  buf_release(&file);
}

static bool has_contacts(const struct site *site) {
  bool any = false;
  for (size_t i = 0; i < site->role_count; i++)
    any |= site->roles[i].contact_count > 0;
  return any;
}

static void lint_connections(struct lint *l, const char *path, const struct site *site) {
  struct program *lib = NULL;
  struct diags found = {0};
  if (!site->connection_count && !has_contacts(site) && !site->timezone) return;
  library(l, path, site, &lib);
  if (lib) site_lint(site, lib, &found);
  diags_sort(&found);
  lint_diags(l, site->program, &found);
  diags_release(&found);
  program_free(lib);
}

/* What only evaluating finds: roles without members, signed ones without keys, settings
 * that no driver has, contacts that nobody answers at. Takes p. */
static void lint_site(struct lint *l, const char *path, struct program *p) {
  struct site *site;
  struct error err = {0};
  enum status status = site_open(&site, p, path, &err);
  if (status != OK) lint_unreadable(l, path, &err);
  else lint_connections(l, path, site);
  error_release(&err);
  site_free(site);
}

static void lint_file(struct lint *l, const char *path) {
  struct source s;
  struct error err = {0};
  l->files++;
  if (read_source(path, &s, &err) != OK) {
    lint_unreadable(l, path, &err);
    error_release(&err);
    return;
  }
  struct program *p;
  program_load(&p, &s, &l->host->program);
  lint_diags(l, p, &p->diags);
  if (p->site && !p->diags.errors) lint_site(l, path, p);
  else program_free(p);
}

static int visible(const struct dirent *e) {
  return e->d_name[0] != '.';
}

static void lint_path(struct lint *l, const char *path, bool named, unsigned depth);

static void lint_directory(struct lint *l, const char *path, unsigned depth) {
  enum { DEPTH = 32 };
  struct dirent **list;
  int n = depth < DEPTH ? scandir(path, &list, visible, alphasort) : 0;
  if (n < 0) {
    struct error err = {0};
    error_set(&err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    lint_unreadable(l, path, &err);
    error_release(&err);
    return;
  }
  for (int i = 0; i < n; i++) {
    struct buf b = BUF_INIT;
    size_t len = strlen(path);
    buf_addf(&b, "%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", list[i]->d_name);
    lint_path(l, b.data, false, depth + 1);
    buf_release(&b);
    free(list[i]);
  }
  if (depth < DEPTH) free(list);
}

/* A pipeline that checks the wrong place must not pass. */
static void lint_nothing(struct lint *l, const char *path) {
  struct error err = {0};
  error_set(&err, ERR_NOT_FOUND, "no .rb file in %s: nothing was checked", path);
  error_help(&err, "check the path; a file of another name is checked when it is named itself");
  lint_unreadable(l, path, &err);
  error_release(&err);
}

static bool is_ruby(const char *path) {
  size_t len = strlen(path);
  return len > 3 && strcmp(path + len - 3, ".rb") == 0;
}

/* What was found in a directory is checked when its name says it is a runbook, and links are not
 * followed there; what was named is checked as it is. */
static void lint_path(struct lint *l, const char *path, bool named, unsigned depth) {
  struct stat st;
  bool is = strcmp(path, "-") != 0 && (named ? stat(path, &st) : lstat(path, &st)) == 0;
  if (is && S_ISDIR(st.st_mode)) {
    size_t before = l->files;
    lint_directory(l, path, depth);
    if (named && l->files == before && l->code == EXIT_SUCCEEDED) lint_nothing(l, path);
  }
  else if (named || (is_ruby(path) && is && S_ISREG(st.st_mode))) lint_file(l, path);
}

/* Moves the options out of the way; what is left is paths. Returns their count, or -1. */
static int options(int argc, char **argv, struct lint *l) {
  int paths = 0;
  bool more = true;
  for (int i = 1; i < argc; i++) {
    if (!more || argv[i][0] != '-' || !argv[i][1]) argv[1 + paths++] = argv[i];
    else if (strcmp(argv[i], "--") == 0) more = false;
    else if (strcmp(argv[i], "--json") == 0) l->json = true;
    else return usage_error(argv[0], "no option '%s'", argv[i]), -1;
  }
  if (!paths) return usage_error(argv[0], "name a file or a directory"), -1;
  return paths;
}

int cmd_lint(int argc, char **argv) {
  struct host host;
  struct lint l = {.host = &host};
  host_open(&host);
  int paths = options(argc, argv, &l);
  for (int i = 1; i <= paths; i++)
    lint_path(&l, argv[i], true, 0);
  host_release(&host);
  if (paths < 0) return EXIT_USAGE;
  return l.code;
}
