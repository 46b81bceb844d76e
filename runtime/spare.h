/* Events of a rollback that the journal did not take: JOURNAL.spare-RUN.jsonl beside it, one event
 * a line. They come back into the journal when it can be written again. */
#ifndef STEPWISE_SPARE_H
#define STEPWISE_SPARE_H

#include "journal.h"

/* Merges every such file of this journal: run.spare_merged, then its events in order with their own
 * times, in one commit; then the file is renamed to *.merged. One that was merged before is only
 * renamed; one that its writer still holds is left alone. A line a file that is done goes to merged,
 * a line a file that is refused to refused: what, why, what to do. Nothing may be pending in j. */
void spare_merge(struct journal *j, struct buf *merged, struct buf *refused);

#endif
