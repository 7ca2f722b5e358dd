/*
 * For LD_PRELOAD: counts fsync and fdatasync in the file that FSYNC_COUNT names (8 bytes, shared),
 * and fails them with EIO while the file that FSYNC_FAIL names exists.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *counter(void) {
  static uint64_t *shared;
  if (shared == NULL) {
    int file = open(getenv("FSYNC_COUNT"), O_RDWR);
    shared = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
  }
  return shared;
}

static int counted(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  __atomic_add_fetch(counter(), 1, __ATOMIC_SEQ_CST);
  if (access(getenv("FSYNC_FAIL"), F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return real(file);
}

int fsync(int file) { return counted("fsync", file); }
int fdatasync(int file) { return counted("fdatasync", file); }
