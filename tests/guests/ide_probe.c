/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What busybox has no word for: SMART and tray of the guest's drives, by Linux's ioctls. Built
 * statically and run inside the guest.
 *   ide_probe smart /dev/sda     self-test started, looked at and aborted; status
 *   ide_probe eject /dev/sr0     unlocks and opens the tray
 *   ide_probe tray /dev/sr0      "disc", "no disc", "open" or "not ready" */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/cdrom.h>
#include <linux/hdreg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define SMART 0xb0

/* A SMART command that sends 512 bytes (sectors 1) or none. */
static int smart(int fd, unsigned char sub, unsigned char lbal, unsigned char sectors,
                 unsigned char *buf)
{
    memset(buf, 0, 516);
    buf[0] = SMART;
    buf[1] = lbal;
    buf[2] = sub;
    buf[3] = sectors;
    return ioctl(fd, HDIO_DRIVE_CMD, buf);
}

static int probe_smart(int fd)
{
    unsigned char buf[516], task[7] = {SMART, 0xda, 0, 0, 0x4f, 0xc2, 0};
    if (smart(fd, 0xd0, 0, 1, buf) || smart(fd, 0xd4, 1, 0, buf) || smart(fd, 0xd0, 0, 1, buf))
        return 1;
    printf("test-%x ", buf[4 + 363] >> 4);
    if (smart(fd, 0xd4, 0x7f, 0, buf) || smart(fd, 0xd0, 0, 1, buf))
        return 1;
    printf("test-%x ", buf[4 + 363] >> 4);
    if (smart(fd, 0xd5, 6, 1, buf))
        return 1;
    printf("logged-%d ", buf[4 + 508]);
    if (ioctl(fd, HDIO_DRIVE_TASK, task))
        return 1;
    printf("status-%02x%02x\n", task[4], task[5]);
    return 0;
}

static int probe_tray(int fd)
{
    switch (ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT)) {
    case CDS_DISC_OK: puts("disc"); return 0;
    case CDS_NO_DISC: puts("no disc"); return 0;
    case CDS_TRAY_OPEN: puts("open"); return 0;
    default: puts("not ready"); return 0;
    }
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[2], O_RDONLY | O_NONBLOCK) : -1, failed = 1;
    if (fd < 0)
        return 2;
    if (!strcmp(argv[1], "smart"))
        failed = probe_smart(fd);
    else if (!strcmp(argv[1], "tray"))
        failed = probe_tray(fd);
    else if (!strcmp(argv[1], "eject"))
        failed = ioctl(fd, CDROM_LOCKDOOR, 0) || ioctl(fd, CDROMEJECT);
    if (failed)
        printf("%s: %s\n", argv[1], strerror(errno));
    return failed;
}
