/* Runs a fuzz target over the files named, where libFuzzer is not linked in: each as it is, cut
 * short, and with single bytes changed. The same files give the same inputs every time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_FILE = 1 << 20, VARIANTS = 64 };

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

/* An exact copy for each call, so that a read past the end is seen by ASan. */
static void call(const uint8_t *data, size_t len) {
  uint8_t *copy = malloc(len ? len : 1);
  if (!copy) exit(1);
  memcpy(copy, data, len);
  LLVMFuzzerTestOneInput(copy, len);
  free(copy);
}

static void run(uint8_t *data, size_t len) {
  uint32_t state = (uint32_t)len;
  call(data, len);
  for (int i = 0; len > 0 && i < VARIANTS; i++) {
    call(data, next(&state) % len);
    size_t at = (next(&state) >> 8) % len;
    uint8_t was = data[at];
    data[at] = (uint8_t)(next(&state) >> 16);
    call(data, len);
    data[at] = was;
  }
}

int main(int argc, char **argv) {
  static uint8_t data[MAX_FILE];
  for (int i = 1; i < argc; i++) {
    FILE *f = fopen(argv[i], "rb");
    if (!f) {
      perror(argv[i]);
      return 1;
    }
    size_t len = fread(data, 1, sizeof data, f);
    fclose(f);
    run(data, len);
  }
  return argc < 2;
}
