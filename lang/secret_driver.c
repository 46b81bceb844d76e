/* The table of secret.def, and finding a name in it. */
#include "secret_driver.h"

#include "mem.h"

const char *const secret_driver_names[SECRET_DRIVERS] = {
#define SECRET_DRIVER(name) #name,
#define SECRET_SETTING(driver, name, kind, needed)
#include "secret.def"
#undef SECRET_DRIVER
#undef SECRET_SETTING
};

const struct secret_setting secret_settings[SECRET_SETTINGS] = {
#define SECRET_DRIVER(name)
#define SECRET_SETTING(driver, name, kind, needed)                                                 \
  {SECRET_DRIVER_##driver, #name, SECRET_IS_##kind, needed},
#include "secret.def"
#undef SECRET_DRIVER
#undef SECRET_SETTING
};

enum secret_driver_id secret_driver_find(const char *name) {
  int i = 0;
  while (i < SECRET_DRIVERS && strcmp(secret_driver_names[i], name) != 0)
    i++;
  return (enum secret_driver_id)i;
}

enum secret_setting_id secret_setting_find(enum secret_driver_id driver, const char *name) {
  int i = 0;
  while (i < SECRET_SETTINGS &&
         (secret_settings[i].driver != driver || strcmp(secret_settings[i].name, name) != 0))
    i++;
  return (enum secret_setting_id)i;
}

size_t secret_setting_names(enum secret_driver_id driver, const char *out[SECRET_SETTINGS]) {
  size_t n = 0;
  for (int i = 0; i < SECRET_SETTINGS; i++)
    if (secret_settings[i].driver == driver) out[n++] = secret_settings[i].name;
  return n;
}
