/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input: keys and mouse events for the guest. Key names are QEMU's (and the characters of a US
 * keyboard); codes are set 1 as a translated PS/2 keyboard sends them. Events wait in a queue while
 * the device's own is full. */
#include <string.h>

#include "log/log.h"
#include "main/runner.h"
#include "tm/tm.h"

#define INPUT_RETRY_MS  5
#define INPUT_LOOK_MS   50
#define INPUT_LOOKS     4 /* in a row before the keyboard counts as set up */
#define INPUT_QUEUE_MAX 65536u
#define INPUT_CHORD_MAX 8u

typedef struct InputEvent {
    uint8_t codes[8];
    uint32_t count; /* 0: a mouse event */
    int dx, dy, dz;
    uint32_t buttons;
} InputEvent;

struct Input {
    Runner *runner;
    GQueue events;
    guint timer;
    guint later_timer; /* text that waits for the guest's keyboard */
    guint later_ready; /* how often in a row that was ready */
    uint64_t later_ns;
    const char *later;
    gboolean has_keyboard, has_mouse;
    viv_iface_t keyboard, mouse;
};

typedef struct InputKey {
    const char *name;
    uint16_t code; /* E0xx: extended */
} InputKey;

static const InputKey input_keys[] = {
    {"esc", 0x01},
    {"escape", 0x01},
    {"1", 0x02},
    {"2", 0x03},
    {"3", 0x04},
    {"4", 0x05},
    {"5", 0x06},
    {"6", 0x07},
    {"7", 0x08},
    {"8", 0x09},
    {"9", 0x0a},
    {"0", 0x0b},
    {"minus", 0x0c},
    {"equal", 0x0d},
    {"backspace", 0x0e},
    {"tab", 0x0f},
    {"q", 0x10},
    {"w", 0x11},
    {"e", 0x12},
    {"r", 0x13},
    {"t", 0x14},
    {"y", 0x15},
    {"u", 0x16},
    {"i", 0x17},
    {"o", 0x18},
    {"p", 0x19},
    {"bracket_left", 0x1a},
    {"bracket_right", 0x1b},
    {"ret", 0x1c},
    {"enter", 0x1c},
    {"ctrl", 0x1d},
    {"a", 0x1e},
    {"s", 0x1f},
    {"d", 0x20},
    {"f", 0x21},
    {"g", 0x22},
    {"h", 0x23},
    {"j", 0x24},
    {"k", 0x25},
    {"l", 0x26},
    {"semicolon", 0x27},
    {"apostrophe", 0x28},
    {"grave_accent", 0x29},
    {"shift", 0x2a},
    {"backslash", 0x2b},
    {"z", 0x2c},
    {"x", 0x2d},
    {"c", 0x2e},
    {"v", 0x2f},
    {"b", 0x30},
    {"n", 0x31},
    {"m", 0x32},
    {"comma", 0x33},
    {"dot", 0x34},
    {"slash", 0x35},
    {"shift_r", 0x36},
    {"asterisk", 0x37},
    {"kp_multiply", 0x37},
    {"alt", 0x38},
    {"spc", 0x39},
    {"space", 0x39},
    {"caps_lock", 0x3a},
    {"f1", 0x3b},
    {"f2", 0x3c},
    {"f3", 0x3d},
    {"f4", 0x3e},
    {"f5", 0x3f},
    {"f6", 0x40},
    {"f7", 0x41},
    {"f8", 0x42},
    {"f9", 0x43},
    {"f10", 0x44},
    {"num_lock", 0x45},
    {"scroll_lock", 0x46},
    {"kp_7", 0x47},
    {"kp_8", 0x48},
    {"kp_9", 0x49},
    {"kp_subtract", 0x4a},
    {"kp_4", 0x4b},
    {"kp_5", 0x4c},
    {"kp_6", 0x4d},
    {"kp_add", 0x4e},
    {"kp_1", 0x4f},
    {"kp_2", 0x50},
    {"kp_3", 0x51},
    {"kp_0", 0x52},
    {"kp_decimal", 0x53},
    {"sysrq", 0x54},
    {"less", 0x56},
    {"f11", 0x57},
    {"f12", 0x58},
    {"kp_equals", 0x59},
    {"f13", 0x64},
    {"f14", 0x65},
    {"f15", 0x66},
    {"f16", 0x67},
    {"f17", 0x68},
    {"f18", 0x69},
    {"f19", 0x6a},
    {"f20", 0x6b},
    {"f21", 0x6c},
    {"f22", 0x6d},
    {"f23", 0x6e},
    {"hiragana", 0x70},
    {"ro", 0x73},
    {"f24", 0x76},
    {"henkan", 0x79},
    {"muhenkan", 0x7b},
    {"yen", 0x7d},
    {"kp_comma", 0x7e},
    {"kp_enter", 0xe01c},
    {"ctrl_r", 0xe01d},
    {"kp_divide", 0xe035},
    {"print", 0xe037},
    {"break", 0xe046},
    {"alt_r", 0xe038},
    {"altgr", 0xe038},
    {"home", 0xe047},
    {"up", 0xe048},
    {"pgup", 0xe049},
    {"left", 0xe04b},
    {"right", 0xe04d},
    {"end", 0xe04f},
    {"down", 0xe050},
    {"pgdn", 0xe051},
    {"insert", 0xe052},
    {"delete", 0xe053},
    {"meta_l", 0xe05b},
    {"meta_r", 0xe05c},
    {"menu", 0xe05d},
    {"compose", 0xe05d},
    {"power", 0xe05e},
    {"sleep", 0xe05f},
};

/* A US keyboard: plain and shifted characters of the keys above. */
static const struct {
    char plain, shifted;
    uint8_t code;
} input_chars[] = {
    {'1', '!', 0x02}, {'2', '@', 0x03}, {'3', '#', 0x04},  {'4', '$', 0x05}, {'5', '%', 0x06},
    {'6', '^', 0x07}, {'7', '&', 0x08}, {'8', '*', 0x09},  {'9', '(', 0x0a}, {'0', ')', 0x0b},
    {'-', '_', 0x0c}, {'=', '+', 0x0d}, {'\b', 0, 0x0e},   {'\t', 0, 0x0f},  {'q', 'Q', 0x10},
    {'w', 'W', 0x11}, {'e', 'E', 0x12}, {'r', 'R', 0x13},  {'t', 'T', 0x14}, {'y', 'Y', 0x15},
    {'u', 'U', 0x16}, {'i', 'I', 0x17}, {'o', 'O', 0x18},  {'p', 'P', 0x19}, {'[', '{', 0x1a},
    {']', '}', 0x1b}, {'\n', 0, 0x1c},  {'a', 'A', 0x1e},  {'s', 'S', 0x1f}, {'d', 'D', 0x20},
    {'f', 'F', 0x21}, {'g', 'G', 0x22}, {'h', 'H', 0x23},  {'j', 'J', 0x24}, {'k', 'K', 0x25},
    {'l', 'L', 0x26}, {';', ':', 0x27}, {'\'', '"', 0x28}, {'`', '~', 0x29}, {'\\', '|', 0x2b},
    {'z', 'Z', 0x2c}, {'x', 'X', 0x2d}, {'c', 'C', 0x2e},  {'v', 'V', 0x2f}, {'b', 'B', 0x30},
    {'n', 'N', 0x31}, {'m', 'M', 0x32}, {',', '<', 0x33},  {'.', '>', 0x34}, {'/', '?', 0x35},
    {' ', 0, 0x39},   {27, 0, 0x01},
};
#define INPUT_SHIFT 0x2a

/* -- the queue ------------------------------------------------------------------------------- */

static gboolean input_give(struct Input *input, const InputEvent *event)
{
    if (event->count) {
        const viv_keyboard_port_ops_t *ops = input->keyboard.ops;
        return ops->put_scancodes(input->keyboard.self, event->codes, event->count) != 0;
    }
    const viv_mouse_port_ops_t *ops = input->mouse.ops;
    return ops->put_event(input->mouse.self, event->dx, event->dy, event->dz, event->buttons) != 0;
}

static gboolean input_pump(gpointer data)
{
    struct Input *input = data;
    InputEvent *event;
    while ((event = g_queue_peek_head(&input->events))) {
        if (!input_give(input, event)) {
            return G_SOURCE_CONTINUE;
        }
        g_free(g_queue_pop_head(&input->events));
    }
    input->timer = 0;
    return G_SOURCE_REMOVE;
}

static viv_status_t input_queue(struct Input *input, const InputEvent *event, VivError *err)
{
    gboolean there = event->count ? input->has_keyboard : input->has_mouse;
    if (!there) {
        return error_set(err, VIV_E_NOT_FOUND, "the machine has no %s",
                         event->count ? "keyboard" : "mouse");
    }
    if (g_queue_get_length(&input->events) >= INPUT_QUEUE_MAX) {
        return error_set(err, VIV_E_FULL, "too much input is waiting for the guest already");
    }
    g_queue_push_tail(&input->events, g_memdup2(event, sizeof *event));
    if (!input->timer && input_pump(input) == G_SOURCE_CONTINUE) {
        input->timer = g_timeout_add(INPUT_RETRY_MS, input_pump, input);
    }
    return VIV_OK;
}

static viv_status_t input_code(struct Input *input, uint16_t code, gboolean release, VivError *err)
{
    InputEvent event = {0};
    if (code >> 8) {
        event.codes[event.count++] = (uint8_t)(code >> 8);
    }
    event.codes[event.count++] = (uint8_t)((code & 0x7f) | (release ? 0x80 : 0));
    return input_queue(input, &event, err);
}

/* -- commands -------------------------------------------------------------------------------- */

viv_status_t input_scancodes(struct Input *input, const uint8_t *codes, size_t count, VivError *err)
{
    viv_status_t st = VIV_OK;
    for (size_t i = 0; i < count && !st;) {
        InputEvent event = {0};
        size_t more = codes[i] == 0xe1 ? 2 : codes[i] == 0xe0 ? 1 : 0;
        for (size_t j = 0; j <= more && i < count; j++) {
            event.codes[event.count++] = codes[i++];
        }
        st = input_queue(input, &event, err);
    }
    return st;
}

static gboolean input_find_key(const char *name, uint16_t *ret_code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(input_keys); i++) {
        if (!strcmp(input_keys[i].name, name)) {
            *ret_code = input_keys[i].code;
            return TRUE;
        }
    }
    return FALSE;
}

viv_status_t input_key(struct Input *input, const char *chord, VivError *err)
{
    g_auto(GStrv) names = g_strsplit(chord, "-", -1);
    uint16_t codes[INPUT_CHORD_MAX];
    uint32_t count = 0;
    viv_status_t st = VIV_OK;
    if (!strcmp(chord, "pause")) {
        static const uint8_t pause[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
        return input_scancodes(input, pause, sizeof pause, err);
    }
    for (char **name = names; *name; name++) {
        if (count == INPUT_CHORD_MAX || !input_find_key(*name, &codes[count++])) {
            return error_set(
                err, VIV_E_INVALID,
                "key \"%s\" is not known (names as esc, ret, spc, f1, ctrl-alt-delete)", *name);
        }
    }
    if (count == 0) {
        return error_set(err, VIV_E_INVALID, "key needs a name");
    }
    for (uint32_t i = 0; i < count && !st; i++) {
        st = input_code(input, codes[i], FALSE, err);
    }
    for (uint32_t i = count; i-- > 0 && !st;) {
        st = input_code(input, codes[i], TRUE, err);
    }
    return st;
}

static viv_status_t input_char(struct Input *input, char c, VivError *err)
{
    for (size_t i = 0; i < G_N_ELEMENTS(input_chars); i++) {
        gboolean shift = c == input_chars[i].shifted;
        viv_status_t st = VIV_OK;
        if (c != input_chars[i].plain && !shift) {
            continue;
        }
        if (shift) {
            st = input_code(input, INPUT_SHIFT, FALSE, err);
        }
        if (!st && !(st = input_code(input, input_chars[i].code, FALSE, err))) {
            st = input_code(input, input_chars[i].code, TRUE, err);
        }
        return st || !shift ? st : input_code(input, INPUT_SHIFT, TRUE, err);
    }
    return error_set(err, VIV_E_INVALID, "character %#x is not on a US keyboard", (unsigned char)c);
}

static char input_escape(char letter)
{
    switch (letter) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'b': return '\b';
    case 'e': return '\033';
    default: return letter;
    }
}

viv_status_t input_type(struct Input *input, const char *text, VivError *err)
{
    viv_status_t st = VIV_OK;
    for (const char *at = text; *at && !st; at++) {
        char c = *at;
        if (c == '\\' && at[1]) {
            at++;
            c = input_escape(*at);
        }
        st = input_char(input, c, err);
    }
    return st;
}

viv_status_t input_check_text(const char *text, VivError *err)
{
    for (const char *at = text; *at; at++) {
        char c = *at;
        gboolean known = FALSE;
        if (c == '\\' && at[1]) {
            c = input_escape(*++at);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(input_chars); i++) {
            known |= c == input_chars[i].plain || c == input_chars[i].shifted;
        }
        if (!known) {
            return error_set(err, VIV_E_INVALID, "character %#x is not on a US keyboard",
                             (unsigned char)c);
        }
    }
    return VIV_OK;
}

/* Has the guest set its keyboard up, and left it so for a while? Drivers switch it off and on when
 * they start. */
static gboolean input_guest_ready(struct Input *input)
{
    const viv_keyboard_port_ops_t *ops = input->keyboard.ops;
    gboolean enabled = !VIV_HAS(ops, enabled) || ops->enabled(input->keyboard.self);
    input->later_ready = enabled ? input->later_ready + 1 : 0;
    return input->later_ready >= INPUT_LOOKS;
}

static gboolean input_on_later(gpointer data)
{
    struct Input *input = data;
    VivError err = VIV_ERROR_INIT;
    if (tm_now(input->runner->vm->tm) < input->later_ns || !input_guest_ready(input)) {
        return G_SOURCE_CONTINUE;
    }
    input->later_timer = 0;
    if (input_type(input, input->later, &err)) {
        viv_log("main", VIV_LOG_WARN, "--type-text: %s", error_text(&err));
        error_clear(&err);
    }
    return G_SOURCE_REMOVE;
}

viv_status_t input_type_later(struct Input *input, const char *text, double after_s, VivError *err)
{
    viv_status_t st = input_check_text(text, err);
    if (st || !input->has_keyboard) {
        return st ? st : error_set(err, VIV_E_NOT_FOUND, "the machine has no keyboard");
    }
    input->later = text;
    input->later_ns = (uint64_t)(after_s * 1e9);
    input->later_timer = g_timeout_add(INPUT_LOOK_MS, input_on_later, input);
    return VIV_OK;
}

gboolean input_leds(struct Input *input, uint32_t *ret_leds)
{
    if (input->has_keyboard) {
        const viv_keyboard_port_ops_t *ops = input->keyboard.ops;
        *ret_leds = ops->leds(input->keyboard.self);
    }
    return input->has_keyboard;
}

viv_status_t input_mouse(struct Input *input, int dx, int dy, int dz, uint32_t buttons,
                         VivError *err)
{
    InputEvent event = {.dx = dx, .dy = dy, .dz = dz, .buttons = buttons};
    return input_queue(input, &event, err);
}

struct Input *input_new(Runner *runner)
{
    struct Input *input = g_new0(struct Input, 1);
    input->runner = runner;
    g_queue_init(&input->events);
    Pdm *pdm = runner->vm->pdm;
    input->has_keyboard =
        pdm_port_interface(pdm, "pckbd", 0, 0, VIV_KEYBOARD_PORT_ID, &input->keyboard) == VIV_OK;
    input->has_mouse =
        pdm_port_interface(pdm, "pckbd", 0, 1, VIV_MOUSE_PORT_ID, &input->mouse) == VIV_OK;
    return input;
}

void input_free(struct Input *input)
{
    if (!input) {
        return;
    }
    if (input->timer) {
        g_source_remove(input->timer);
    }
    if (input->later_timer) {
        g_source_remove(input->later_timer);
    }
    g_queue_clear_full(&input->events, g_free);
    g_free(input);
}
