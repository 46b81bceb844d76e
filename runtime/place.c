/* Files put in their place: see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lang/mem.h"

static void sync_directory(const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd); /* some file systems cannot; then the name is as safe as they make it */
    close(fd);
  }
  mem_free(dir);
}

/* Where the file system has no such rename, link does the same. */
int file_place(const char *from, const char *to) {
  int why = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (why == EINVAL || why == ENOSYS) why = link(from, to) == 0 ? 0 : errno;
  unlink(from); /* what a link leaves, or nobody wants */
  if (why && why != EEXIST) return why;
  sync_directory(to);
  return 0;
}
