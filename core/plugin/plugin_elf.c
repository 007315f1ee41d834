/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: is a file a whole shared object of this host? Asked before the dynamic loader sees it,
 * because the loader maps segments without looking at the file's length, and so dies of a truncated
 * one. Follows: System V ABI, chapters 4 and 5 (ELF64). */
#include "plugin/plugin_internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static bool elf_read(int fd, void *buf, size_t len_bytes, uint64_t off)
{
    uint8_t *at = buf;
    while (len_bytes) {
        const ssize_t got = pread(fd, at, len_bytes, (off_t)off);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        off += (uint64_t)got;
        len_bytes -= (size_t)got;
    }
    return true;
}

static bool elf_fits(uint64_t off, uint64_t len, uint64_t file_bytes)
{
    return off <= file_bytes && len <= file_bytes - off;
}

static char *elf_check_header(const Elf64_Ehdr *header, const Elf64_Ehdr *ours)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return g_strdup("not a shared object (no ELF header)");
    if (header->e_ident[EI_CLASS] != ours->e_ident[EI_CLASS] ||
        header->e_ident[EI_DATA] != ours->e_ident[EI_DATA] || header->e_machine != ours->e_machine)
        return g_strdup_printf("built for another kind of machine (ELF class %u, machine %u)",
                               header->e_ident[EI_CLASS], header->e_machine);
    if (header->e_type != ET_DYN)
        return g_strdup_printf("not a shared object (ELF type %u)", header->e_type);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
        return g_strdup("not a shared object (no program headers)");
    return NULL;
}

static char *elf_check_segments(int fd, const Elf64_Ehdr *header, uint64_t file_bytes)
{
    for (uint32_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        const uint64_t off = header->e_phoff + (uint64_t)i * sizeof(segment);
        if (off < header->e_phoff || !elf_fits(off, sizeof(segment), file_bytes) ||
            !elf_read(fd, &segment, sizeof(segment), off))
            return g_strdup_printf("truncated: program header %u lies beyond the file's %" PRIu64
                                   " bytes",
                                   i, file_bytes);
        if (segment.p_type == PT_LOAD && !elf_fits(segment.p_offset, segment.p_filesz, file_bytes))
            return g_strdup_printf("truncated: segment %u lies beyond the file's %" PRIu64 " bytes",
                                   i, file_bytes);
    }
    /* Whole segments with the section headers cut off would load; still it is not what was built.
     */
    if (header->e_shoff &&
        !elf_fits(header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize, file_bytes))
        return g_strdup_printf("truncated: section headers lie beyond the file's %" PRIu64 " bytes",
                               file_bytes);
    return NULL;
}

char *plugin_elf_check(const char *path)
{
    static const Elf64_Ehdr ours = {
        .e_ident = {[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
                    [EI_DATA] = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB},
#if defined(__x86_64__)
        .e_machine = EM_X86_64,
#elif defined(__aarch64__)
        .e_machine = EM_AARCH64,
#else
#error "the machine's ELF number"
#endif
    };
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return g_strdup_printf("cannot be opened: %s", g_strerror(errno));
    struct stat st;
    char *reason = NULL;
    Elf64_Ehdr header;
    if (fstat(fd, &st) != 0)
        reason = g_strdup_printf("cannot be examined: %s", g_strerror(errno));
    else if (!S_ISREG(st.st_mode))
        reason = g_strdup("not a regular file");
    else if (st.st_size == 0)
        reason = g_strdup("not a shared object (empty file)");
    else if ((uint64_t)st.st_size < sizeof(header) || !elf_read(fd, &header, sizeof(header), 0))
        reason = g_strdup("not a shared object, or truncated (shorter than an ELF header)");
    else
        reason = elf_check_header(&header, &ours);
    if (!reason)
        reason = elf_check_segments(fd, &header, (uint64_t)st.st_size);
    close(fd);
    return reason;
}
