/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flash_file: the host's file that keeps what is in the flash memory. One machine at a time has it:
 * the file is locked while it is open. */
#ifndef FLASH_FILE_H
#define FLASH_FILE_H

#include <stdint.h>

#define FLASH_TEXT_MAX 512u

/* Opens for reading and writing, 0 or -1 with a sentence in text (FLASH_TEXT_MAX bytes). A file
 * that is not there is made with the template's contents. The result is the file descriptor. */
int flash_file_open(const char *path, const uint8_t *template_bytes, uint64_t template_len,
                    char *text);
/* The file's length. */
uint64_t flash_file_length(int fd);
/* All of [off, off + len), or -1. */
int flash_file_read(int fd, uint64_t off, uint8_t *buf, uint64_t len);
int flash_file_write(int fd, uint64_t off, const uint8_t *buf, uint64_t len);

#endif
