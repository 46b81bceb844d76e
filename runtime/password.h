/* Passwords by policy, from the kernel's generator. */
#ifndef STEPWISE_PASSWORD_H
#define STEPWISE_PASSWORD_H

#include "../lang/status.h"

enum { PASSWORD_MAX = 256 };
enum { PASSWORD_LOWER, PASSWORD_UPPER, PASSWORD_DIGITS, PASSWORD_SYMBOLS, PASSWORD_CLASSES };

struct password_policy {
  size_t length;
  size_t least[PASSWORD_CLASSES]; /* at least so many of each class; 0: none of it */
  const char *exclude;            /* characters that are not used, or NULL */
};

/* Every character is drawn without bias, and so is every place. out gets length characters and a
 * NUL. ERR_VALUE says which part of the policy cannot be kept. */
enum status password_make(const struct password_policy *p, char out[PASSWORD_MAX + 1],
                          struct error *err) must_use;
/* A number below n, each as likely as the others; n is at least 1. */
uint32_t random_below(uint32_t n);

#endif
