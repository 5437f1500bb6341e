/* Makes the SHORT_AT-th pwrite of a process write half of what it should. With SHORT_FULL set, the disk is full from
 * there on, as when a write crosses the end of the space. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off64_t);

static ssize_t shortened(int fd, const void *bytes, size_t length, off64_t at)
{
    static pwrite_fn real;
    static long count;
    const char *when = getenv("SHORT_AT");
    if (!real)
        real = (pwrite_fn)dlsym(RTLD_NEXT, "pwrite64");
    count++;
    if (when && count == atol(when) && length > 1)
        return real(fd, bytes, length / 2, at);
    if (when && count > atol(when) && getenv("SHORT_FULL")) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return shortened(fd, bytes, length, at); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return shortened(fd, bytes, length, at); }
