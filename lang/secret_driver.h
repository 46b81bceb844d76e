/* The drivers of secrets and their settings (secret.def), as data. */
#ifndef STEPWISE_SECRET_DRIVER_H
#define STEPWISE_SECRET_DRIVER_H

#include "status.h"

enum secret_driver_id {
#define SECRET_DRIVER(name) SECRET_DRIVER_##name,
#define SECRET_SETTING(driver, name, kind, needed)
#include "secret.def"
#undef SECRET_DRIVER
#undef SECRET_SETTING
  SECRET_DRIVERS
};

enum secret_setting_id {
#define SECRET_DRIVER(name)
#define SECRET_SETTING(driver, name, kind, needed) SECRET_##driver##_##name,
#include "secret.def"
#undef SECRET_DRIVER
#undef SECRET_SETTING
  SECRET_SETTINGS
};

enum secret_setting_kind { SECRET_IS_TEXT, SECRET_IS_PATH, SECRET_IS_DURATION };

struct secret_setting {
  enum secret_driver_id driver;
  const char *name;
  enum secret_setting_kind kind;
  bool needed;
};
extern const char *const secret_driver_names[SECRET_DRIVERS];
extern const struct secret_setting secret_settings[SECRET_SETTINGS];

enum secret_driver_id secret_driver_find(const char *name); /* SECRET_DRIVERS: none */
enum secret_setting_id secret_setting_find(enum secret_driver_id driver,
                                           const char *name); /* SECRET_SETTINGS: none */
/* The names of a driver's settings; how many. */
size_t secret_setting_names(enum secret_driver_id driver, const char *out[SECRET_SETTINGS]);

#endif
