/* A run's program, from the texts that the journal keeps of it: what the run runs, even when the
 * file was changed since or is gone. */
#ifndef STEPWISE_PINNED_H
#define STEPWISE_PINNED_H

#include "host.h"
#include "journal.h"

struct pinned {
  struct program *program;
  /* private */
  struct host host;
  struct program_host door;
  struct journal *journal;
  struct buf started; /* data of the event that names the texts */
};

/* run: a full id. ERR_NOT_FOUND when the journal has no such run, ERR_JOURNAL when it lacks a text.
 * The program may have diagnostics: this version may refuse what an older one took. Release in
 * either case; the journal must outlive the loading only. */
enum status pinned_load(struct pinned *p, struct journal *j, const char *run,
                        struct error *err) must_use;
void pinned_release(struct pinned *p);

#endif
