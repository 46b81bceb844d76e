/* What a rollback will do, before it does it. */
#ifndef STEPWISE_ROLLBACK_PLAN_H
#define STEPWISE_ROLLBACK_PLAN_H

#include "resume_run.h"

/* The steps in the order they are undone, what each does, points of no return, what stays done. */
enum status rollback_plan_show(const struct taken *t, const char *to, struct ui *ui,
                               struct error *err) must_use;

#endif
