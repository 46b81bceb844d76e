/* SQLite's memory, for whoever opens a database. */
#ifndef STEPWISE_JOURNAL_MEMORY_H
#define STEPWISE_JOURNAL_MEMORY_H

/* From now on SQLite takes its memory through mem_alloc, so that it too ends the process rather
 * than carry on with half an answer when there is none: a column read in such a moment would look
 * empty. To be called before a database is opened; cheap, and may be called again. */
void sqlite_memory(void);

#endif
