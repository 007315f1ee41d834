/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: port, plug and clock traffic from fuzz input; two bytes an action. */
#include "harness.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A peripheral that answers what the input says. */
static uint8_t status, answer;
static void plug_write_data(void *self, uint8_t value, uint32_t output)
{
    (void)self, (void)value, (void)output;
}
static uint8_t plug_read_data(void *self)
{
    (void)self;
    return answer;
}
static void plug_write_control(void *self, uint8_t value)
{
    (void)self;
    status ^= (uint8_t)(value << 7);
}
static uint8_t plug_read_status(void *self)
{
    (void)self;
    return status;
}
static viv_status_t plug_epp_write(void *self, uint32_t address, uint8_t value)
{
    (void)self, (void)address;
    return value & 1 ? VIV_OK : VIV_E_TIMEOUT;
}
static viv_status_t plug_epp_read(void *self, uint32_t address, uint8_t *ret_value)
{
    (void)self, (void)address;
    *ret_value = answer;
    return answer & 1 ? VIV_OK : VIV_E_TIMEOUT;
}
static uint32_t plug_ecp_write(void *self, uint8_t value, uint32_t command)
{
    (void)self, (void)command;
    return (value ^ answer) & 1;
}
static uint32_t plug_ecp_read(void *self, uint8_t *ret_value, uint32_t *ret_command)
{
    (void)self;
    *ret_value = answer;
    *ret_command = answer & 2;
    return answer & 4;
}
static const viv_parallel_ops_t plug = {.size = sizeof(viv_parallel_ops_t),
                                        .write_data = plug_write_data,
                                        .read_data = plug_read_data,
                                        .write_control = plug_write_control,
                                        .read_status = plug_read_status,
                                        .epp_write = plug_epp_write,
                                        .epp_read = plug_epp_read,
                                        .ecp_write = plug_ecp_write,
                                        .ecp_read = plug_ecp_read};

static void from_plug(Harness *h, uint8_t what, uint8_t value)
{
    viv_iface_t port = harness_port(h, 0, VIV_PARALLEL_PORT_ID);
    const viv_parallel_port_ops_t *ops = port.ops;
    answer = value;
    if (what & 1)
        ops->ready(port.self);
    else
        ops->status_changed(port.self, status = value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"", "EPPVersion=1.7", "Mode=EPP", "Mode=PS/2"};
    unsigned saves = 0;
    if (size < 1)
        return 0;
    Harness *h = harness_create();
    uint32_t printer = data[0] & 4u;
    if (printer)
        harness_lun_char(h, 0);
    else if (data[0] & 8u)
        harness_lun_iface(h, 0, VIV_PARALLEL_ID, &plug, NULL);
    if (harness_start(h, "parallel", options[data[0] & 3u]) < 0)
        abort();
    for (size_t i = 1; i + 1 < size; i += 2) {
        uint8_t what = data[i], value = data[i + 1];
        switch (what >> 4) {
        case 0:
        case 1:
        case 2: harness_out8(h, 0x378u + (what & 7u), value); break;
        case 3:
        case 4: harness_in8(h, 0x378u + (what & 7u)); break;
        case 5:
        case 6: harness_out8(h, 0x778u + (what & 3u), value); break;
        case 7: harness_in8(h, 0x778u + (what & 3u)); break;
        case 8: harness_advance_ns(h, value * 64u); break;
        case 9:
            if (printer)
                harness_char_room(h, 0, value);
            break;
        case 10:
        case 11: from_plug(h, what, value); break;
        case 12: harness_out32(h, 0x37cu, value * 0x01010101u); break;
        case 13:
            if (saves++ < 16)
                harness_save_load(h);
            break;
        case 14: harness_out8(h, 0x77a, (uint8_t)(value & 0xe0u)); break;
        default: harness_reset(h); break;
        }
    }
    harness_free(h);
    return 0;
}
