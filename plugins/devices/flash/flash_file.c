/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flash_file: see flash_file.h. */
#include "flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int flash_file_read(int fd, uint64_t off, uint8_t *buf, uint64_t len)
{
    while (len) {
        ssize_t n = pread(fd, buf, len, (off_t)off);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        buf += n;
        off += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

int flash_file_write(int fd, uint64_t off, const uint8_t *buf, uint64_t len)
{
    while (len) {
        ssize_t n = pwrite(fd, buf, len, (off_t)off);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        buf += n;
        off += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

uint64_t flash_file_length(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

/* A new file gets its whole contents before it gets its name. */
static int flash_file_make(const char *path, const uint8_t *bytes, uint64_t len, char *text)
{
    char name[4096];
    if (snprintf(name, sizeof name, "%s.new", path) >= (int)sizeof name) {
        snprintf(text, FLASH_TEXT_MAX, "%s: the name is too long", path);
        return -1;
    }
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || flash_file_write(fd, 0, bytes, len) || fsync(fd) || rename(name, path)) {
        snprintf(text, FLASH_TEXT_MAX, "%s: cannot be made: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(name);
        }
        return -1;
    }
    return fd;
}

int flash_file_open(const char *path, const uint8_t *template_bytes, uint64_t template_len,
                    char *text)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && template_len) {
        fd = flash_file_make(path, template_bytes, template_len, text);
        if (fd < 0) {
            return -1;
        }
    }
    if (fd < 0) {
        snprintf(text, FLASH_TEXT_MAX, "%s: cannot be opened for reading and writing: %s", path,
                 strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        snprintf(text, FLASH_TEXT_MAX, "%s: another machine has it", path);
        close(fd);
        return -1;
    }
    return fd;
}
