/* Acknowledging pages from any terminal. */
#ifndef STEPWISE_PAGE_ACK_H
#define STEPWISE_PAGE_ACK_H

#include "operate.h"

/* Says that somebody has every page of the run that nobody acknowledged yet, one that waits no more
 * too. Members of a role that was called just say so; others, where there is a site, give a note, the
 * op's reason, of who has it. ERR_NOT_FOUND when the run paged nobody; ERR_FAILED with the kind
 * "permission". */
enum status operate_ack(struct operation *op, struct error *err) must_use;

#endif
