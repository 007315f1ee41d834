# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each picture of vga.asm looks like, computed from what is drawn and what the mode means.

Nothing here knows registers: a mode is its size, its pixels and its colours. A picture is a list of
rows of RGB bytes; one that blinks is a list of such pictures, one for each phase.
"""

import functools

# -- colours -----------------------------------------------------------------------------------------


def _wide(six):
    return six << 2 | six >> 4


def _thirds(value, high, low):
    return 21 * (2 * (value >> high & 1) + (value >> low & 1))


def _ega(i):
    """64 colours: bits 2, 1, 0 are two thirds of red, green, blue, bits 5, 4, 3 a third."""
    return [_thirds(i, bit, bit + 3) for bit in (2, 1, 0)]


def _dac(i):
    if i < 64:
        return _ega(i)
    return [(i >> 5) * 9, (i >> 2 & 7) * 9, (i & 3) * 21]


def _rgb(six):
    return bytes(_wide(v) for v in six)


DAC = [_rgb(_dac(i)) for i in range(256)]
# The CGA's colours, bit 4 of an entry is the intensity.
DAC200 = [_rgb([_thirds(i, bit, 4) for bit in (2, 1, 0)]) for i in range(32)]
EGA16 = [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f]
COLORS16 = [DAC[i] for i in EGA16]
COLORS200 = [DAC200[i if i < 8 else i + 8] for i in range(16)]
BLACK = b'\0\0\0'

# -- the pattern of graphics modes -------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def _base(width, band):
    return bytes((((x >> 2) ^ band) + (x >> 6)) & 0xff for x in range(width))


@functools.lru_cache(maxsize=8)
def pattern(width, height):
    """Rows of bytes: steps of four pixels, a diagonal, a frame."""
    rows = []
    for y in range(height):
        row = bytearray(b'\xff' * width if y == 0 else _base(width, y >> 2))
        if y < width:
            row[y] = 0xff
        row[0] = 0xff
        row[-1] = 0xfe
        if y == height - 1:
            row = bytearray(b'\xfd' * width)
        rows.append(bytes(row))
    return rows


def paint(rows, colors):
    """Rows of RGB; colors has an entry for each byte value."""
    seen = {}
    out = []
    for row in rows:
        if row not in seen:
            seen[row] = b''.join([colors[v] for v in row])
        out.append(seen[row])
    return out


def every(colors):
    """As many colours as a byte can name, the given ones again and again."""
    return [colors[i % len(colors)] for i in range(256)]


def crop(rows, left, top, width, height):
    """A window on something larger."""
    return [row[left:left + width] for row in rows[top:top + height]]


def paletted(width, height, colors):
    """The pattern in the colours."""
    return paint(pattern(width, height), every(colors))


# -- text --------------------------------------------------------------------------------------------

LETTERS = {
    '0': '0e11131519110e', '1': '040c040404040e', '2': '0e11010204081f', '3': '1f02040201110e',
    '4': '02060a121f0202', '5': '1f101e0101110e', '6': '0608101e11110e', '7': '1f010204080808',
    '8': '0e11110e11110e', '9': '0e11110f01020c', '_': '0000000000001f', ' ': '00000000000000',
    'A': '0e11111f111111', 'B': '1e11111e11111e', 'C': '0e11101010110e', 'D': '1c12111111121c',
    'E': '1f10101e10101f', 'F': '1f10101e101010', 'G': '0e11101711110f', 'H': '1111111f111111',
    'I': '0e04040404040e', 'J': '0702020202120c', 'K': '11121418141211', 'L': '1010101010101f',
    'M': '111b1515111111', 'N': '11111915131111', 'O': '0e11111111110e', 'P': '1e11111e101010',
    'Q': '0e11111115120d', 'R': '1e11111e141211', 'S': '0f10100e01011e', 'T': '1f040404040404',
    'U': '1111111111110e', 'V': '11111111110a04', 'W': '1111111515150a', 'X': '11110a040a1111',
    'Y': '11110a04040404', 'Z': '1f01020408101f',
}


def _glyph(code, height):
    """Rows of the font: letters, line graphics with both edges in use, and noise."""
    letter = LETTERS.get(chr(code).upper()) if code < 0x80 else None
    if letter:
        rows = [row << 2 for row in bytes.fromhex(letter)]
        return [0] + [row for row in rows for _ in (0, 1)] + [0] if height == 16 else rows + [0]
    if 0xc0 <= code < 0xe0:
        return [0xff if row == height // 2 - 1 else 0x10 | code & 1 for row in range(height)]
    return [(code * 5 ^ row * 0x33) & 0x7e for row in range(height)]


FONT16 = [_glyph(code, 16) for code in range(256)]
FONT8 = [_glyph(code, 8) for code in range(256)]
INVERTED = [[row ^ 0xff for row in glyph] for glyph in FONT16]


def slot(number):
    """The font in a slot of the pictures that show slots."""
    return [[(code + row + 33 * number) & 0xff for row in range(32)] for code in range(256)]


class Text:
    """A text mode with what is in its memory."""

    def __init__(self, name, columns=80, rows=25, cell=16, dots=9, cells=None):
        self.columns, self.rows, self.cell, self.dots = columns, rows, cell, dots
        self.fonts = (FONT16, FONT16)  # by attribute bit 3
        self.colors = COLORS16
        self.blink = False
        self.line_graphics = True
        self.underline = None
        self.cursor = None  # cell, first row, last row
        count = columns * rows if cells is None else cells
        self.memory = [(n & 0xff, (n + 3 * (n >> 4)) & 0xff) for n in range(count)]
        self.write(2, name, 0x1f)

    def write(self, at, name, attr):
        """The title."""
        for i, char in enumerate(name.upper()):
            self.memory[at + i] = (ord(char), attr)

    def _dots(self, char, attr, row, shown):
        glyph = self.fonts[attr >> 3 & 1][char][row]
        bits = [glyph >> 7 - i & 1 for i in range(8)]
        if self.dots == 9:
            bits.append(bits[7] if self.line_graphics and 0xc0 <= char < 0xe0 else 0)
        if row == self.underline and attr & 0x77 == 1:
            bits = [1] * self.dots
        back = attr >> 4
        if self.blink:
            if attr & 0x80 and not shown:
                bits = [0] * self.dots
            back &= 7
        return b''.join([self.colors[attr & 15 if bit else back] for bit in bits])

    def line(self, start, row, pan=0, shown=True, cursor=True):
        """One scan line: cells from start on, row `row` of them, `pan` dots cut off."""
        out = []
        for n in range(start, start + self.columns + (pan > 0)):
            char, attr = self.memory[n] if n < len(self.memory) else (0, 0)
            if (cursor and self.cursor and n == self.cursor[0] and
                    self.cursor[1] <= row <= self.cursor[2]):
                out.append(self.colors[attr & 15] * self.dots)
            else:
                out.append(self._cached(char, attr, row, shown))
        return b''.join(out)[pan * 3:(pan + self.columns * self.dots) * 3]

    def _cached(self, char, attr, row, shown):
        cache = self.__dict__.setdefault('cache', {})
        key = (char, attr, row, shown)
        if key not in cache:
            cache[key] = self._dots(char, attr, row, shown)
        return cache[key]

    def picture(self, **phase):
        """The whole screen."""
        return [self.line(y // self.cell * self.columns, y % self.cell, **phase)
                for y in range(self.rows * self.cell)]

    def phases(self):
        """With and without what blinks."""
        if self.cursor:
            return [self.picture(cursor=True), self.picture(cursor=False)]
        return [self.picture(shown=True), self.picture(shown=False)]


def text_split(name, pan_below, byte_pan=0):
    """From row 3 and its line 5 on, four dots cut off; the top of memory from line 200 on."""
    text = Text(name, cells=2800)
    out = [text.line(240 + byte_pan + (y + 5) // 16 * 80, (y + 5) % 16, 4) for y in range(200)]
    return out + [text.line(byte_pan + y // 16 * 80, y % 16, pan_below) for y in range(200)]


def _text(name, **settings):
    options = {k: settings.pop(k) for k in ('columns', 'rows', 'cell', 'dots') if k in settings}
    text = Text(name, **options)
    for key, value in settings.items():
        setattr(text, key, value)
    return text


def _plain(name, cursor):
    text = _text(name, cursor=cursor)
    text.memory = [(char, 0x17) for char, _attr in text.memory]
    return text.phases()


def _mono(name):
    shades = [0, 8, 8, 8, 8, 8, 8, 8, 0x10] + [0x18] * 7
    text = _text(name, colors=[DAC[i] for i in shades], underline=13, blink=True)
    text.write(2, name, 0x70)
    return text.phases()


# -- sixteen colours ---------------------------------------------------------------------------------

def _mono_350():
    """Planes 0 and 2: black, video, blinking, intense."""
    phases = []
    for off in (False, True):
        shades = {0: 0x00, 1: 0x08, 4: 0x00 if off else 0x18, 5: 0x18}
        phases.append(paletted(640, 350, [DAC[shades[v & 5]] for v in range(16)]))
    return phases


def _nine_dots():
    rows = [b''.join(row[x:x + 8] + b'\0' for x in range(0, 640, 8)) for row in pattern(640, 480)]
    return paint(rows, every(COLORS16))


def _shift_load(clocks):
    """Each byte is shown for some character clocks, its planes moving on by one at each."""
    rows = []
    for row in pattern(640, 480):
        out = bytearray()
        for clock in range(80):
            turn = clock % clocks
            for v in row[clock // clocks * 8:clock // clocks * 8 + 8]:
                v &= 15
                out.append((v >> turn | v << (4 - turn)) & 15)
        rows.append(bytes(out))
    return paint(rows, every(COLORS16))


def _split(left, below):
    rows = pattern(1024, 500)
    return paint(crop(rows, left, 20, 640, 301) + crop(rows, below, 0, 640, 179), every(COLORS16))


def _flip():
    return paletted(640, 175, COLORS16) + [COLORS16[0] * 640] * 175


# Map mask, set/reset, enable set/reset, rotate and function, mode, bit mask.
WRITE_BANDS = (
    [(0x0f, 0x00, 0x00, rotate, 0, 0xff) for rotate in range(8)] +
    [(0x0f, 0x00, 0x00, function << 3 | 3, 0, mask)
     for function in range(4) for mask in (0xff, 0x3c)] +
    [(1 << plane, 0x00, 0x00, 0, 0, 0xff) for plane in range(4)] +
    [(0x0f, 0x0a, 0x0f, 0, 0, 0xff), (0x0f, 0x06, 0x03, 1, 0, 0xff), (0x0f, 0x09, 0x0c, 0x18, 0, 0x5a),
     (0x07, 0x05, 0x05, 0x10, 0, 0xf0), (0x0f, 0x0f, 0x0f, 0, 1, 0x00), (0x0d, 0x00, 0x00, 0, 1, 0xff),
     (0x0f, 0x00, 0x00, 0x00, 2, 0xff), (0x0f, 0x00, 0x00, 0x08, 2, 0xff),
     (0x0f, 0x00, 0x00, 0x10, 2, 0xc3), (0x0f, 0x00, 0x00, 0x18, 2, 0x3c),
     (0x0b, 0x00, 0x00, 0x05, 2, 0x81), (0x0f, 0x05, 0x00, 0x00, 3, 0xff),
     (0x0f, 0x0c, 0x00, 0x02, 3, 0xff), (0x0f, 0x09, 0x00, 0x0b, 3, 0x7e),
     (0x0f, 0x06, 0x00, 0x14, 3, 0xe7), (0x07, 0x0f, 0x00, 0x19, 3, 0xff)])
# Read map select, mode, colour compare, colour don't care.
READ_BANDS = (
    [(plane, 0, 0, 0x0f) for plane in range(4)] +
    [(0, 8, color, 0x0f) for color in range(16)] +
    [(3, 8, color, care) for color, care in ((0, 0), (5, 1), (5, 2), (5, 4), (10, 8), (10, 3),
                                             (12, 12), (7, 7), (9, 13), (15, 10))])


def _turned(value, count):
    return (value << count | value >> (8 - count)) & 0xff if count else value


def _background(column):
    return [_turned((53 * (plane + 1) + 7 * column) & 0xff, plane) for plane in range(4)]


def _write(band, host, latch):
    """A write of host under the band's registers: bytes of the planes. latch is also what was there.
    """
    mapped, set_reset, enable, rotate, mode, mask = band
    turned = _turned(host, 8 - (rotate & 7) if rotate & 7 else 0)
    planes = []
    for plane, old in enumerate(latch):
        solid = 0xff if set_reset >> plane & 1 else 0
        bits = mask
        if mode == 0:
            data = solid if enable >> plane & 1 else turned
        elif mode == 2:
            data = 0xff if host >> plane & 1 else 0
        else:
            data = solid
            bits &= turned
        data = (data, data & old, data | old, data ^ old)[rotate >> 3]
        data = old if mode == 1 else data & bits | old & ~bits
        planes.append(data)
    return planes, mapped


def _read(band, latch):
    plane, mode, color, care = band
    if mode == 0:
        return latch[plane]
    value = 0
    for bit in range(8):
        pixel = sum((latch[p] >> bit & 1) << p for p in range(4))
        value |= (((pixel ^ color) & care) == 0) << bit
    return value


def _pixels(planes):
    return bytes(sum((planes[p] >> bit & 1) << p for p in range(4)) for bit in range(7, -1, -1))


def _bands(bands, below):
    """Four lines of the background and four of what below(number, column, planes) gives, for each
    band; the background to the end."""
    upper = b''.join(_pixels(_background(column)) for column in range(80))
    rows = []
    for number in range(len(bands)):
        lower = b''.join(_pixels(below(number, column, _background(column))) for column in range(80))
        rows += [upper] * 4 + [lower] * 4
    return paint(rows + [upper] * (350 - len(rows)), every(COLORS16))


def _written(number, column, planes):
    band = WRITE_BANDS[number]
    data, mapped = _write(band, (11 * column + 29 * number) & 0xff, planes)
    return [data[p] if mapped >> p & 1 else planes[p] for p in range(4)]


def _was_read(number, _column, planes):
    return [_read(READ_BANDS[number], planes)] * 4


# -- 256 colours and more ----------------------------------------------------------------------------

def _true(width, height, bits):
    """Red x, green y, blue the pattern, each cut to its bits and widened again."""
    def cut(value, count):
        value = (value & 0xff) >> (8 - count)
        return value << (8 - count) | value >> (2 * count - 8)
    red, green, blue = [[cut(v, count) for v in range(256)] for count in bits]
    rows = []
    for y, row in enumerate(pattern(width, height)):
        line = bytearray(width * 3)
        line[0::3] = bytes(red[x & 0xff] for x in range(width))
        line[1::3] = bytes([green[y & 0xff]]) * width
        line[2::3] = bytes(blue[v] for v in row)
        rows.append(bytes(line))
    return rows


def _virtual():
    rows = _true(1024, 700, (5, 6, 5))
    return [row[101 * 3:(101 + 640) * 3] for row in rows[77:77 + 480]]


def _eight_bits():
    return paletted(640, 480, [bytes((i, 255 - i, i ^ 0x55)) for i in range(256)])


def _rotated():
    return paletted(320, 200, [DAC[(i - 16) & 0xff] for i in range(256)])


# -- the monitor's picture ---------------------------------------------------------------------------

def border(name, color, side, lines, across=1, down=1):
    """A picture whose pixels are `across` dots and `down` lines, in a border of `side` dots and
    `lines` lines."""
    rows = []
    for row in PICTURES[name]():
        if across > 1:
            row = b''.join([row[i:i + 3] * across for i in range(0, len(row), 3)])
        rows += [color * side + row + color * side] * down
    blank = [color * (len(rows[0]) // 3)] * lines
    return blank + rows + blank


# The standard timings: a character clock of border, and 7 lines with 400, 8 with 480.
BORDERS = {
    'border_text80': lambda: border('border_text80', DAC[0x24], 9, 7),
    'border_cga': lambda: border('border_cga', DAC200[0x15], 16, 7, 2, 2),
    'border_256': lambda: border('border_256', DAC[0x9c], 8, 7, 2, 2),
    'border_modex': lambda: border('border_modex', DAC[0x9c], 8, 8, 2),
}

PICTURES = {
    'text80': lambda: Text('text80').picture(),
    'text80_eight_dots': lambda: Text('text80_eight_dots', dots=8).picture(),
    'text80x50': lambda: _text('text80x50', rows=50, cell=8, fonts=(FONT8, FONT8)).picture(),
    'text80_350': lambda: Text('text80_350', cell=14, dots=8).picture(),
    'text40': lambda: Text('text40', columns=40).picture(),
    'text_blink': lambda: _text('text_blink', blink=True).phases(),
    'text_cursor': lambda: _plain('text_cursor', (410, 13, 14)),
    'text_cursor_skew': lambda: _plain('text_cursor_skew', (412, 0, 7)),
    'text_two_fonts': lambda: _text('text_two_fonts', fonts=(FONT16, INVERTED),
                                    colors=every(COLORS16[:8])).picture(),
    'text_fonts_5_2': lambda: _text('text_fonts_5_2', fonts=(slot(5), slot(2))).picture(),
    'text_fonts_3_6': lambda: _text('text_fonts_3_6', fonts=(slot(3), slot(6))).picture(),
    'text_fonts_7_4': lambda: _text('text_fonts_7_4', fonts=(slot(7), slot(4))).picture(),
    'text_mono': lambda: _mono('text_mono'),
    'text_no_line_graphics': lambda: _text('text_no_line_graphics', line_graphics=False).picture(),
    'text_split': lambda: text_split('text_split', 0),
    'text_split_all_pan': lambda: text_split('text_split_all_pan', 4),
    'text_byte_pan': lambda: text_split('text_byte_pan', 4, 2),
    'cga_320x200x4': lambda: paletted(320, 200, [DAC200[i] for i in (0, 0x13, 0x15, 0x17)]),
    'cga_320x200x4_palette0': lambda: paletted(320, 200, [DAC200[i] for i in (1, 0x12, 0x14, 0x16)]),
    'cga_640x200x2': lambda: paletted(640, 200, [DAC200[0], DAC200[0x17]]),
    'banks_640x400x2': lambda: paletted(640, 400, [DAC200[0], DAC200[2]]),
    'ega_320x200x16': lambda: paletted(320, 200, COLORS200),
    'ega_640x200x16': lambda: paletted(640, 200, COLORS200),
    'ega_640x350_mono': _mono_350,
    'ega_640x350x16': lambda: paletted(640, 350, COLORS16),
    'vga_640x480x2': lambda: paletted(640, 480, [DAC[0], DAC[0x3f]]),
    'vga_640x480x16': lambda: paletted(640, 480, COLORS16),
    'nine_dots_720x480x16': _nine_dots,
    'shift_load_2': lambda: _shift_load(2),
    'shift_load_4': lambda: _shift_load(4),
    'planes_and_palette': lambda: paletted(640, 480, [DAC[15 - (v & 0x0b)] for v in range(16)]),
    'color_select': lambda: paletted(640, 480, [DAC[0xe0 | v & 0x0f] for v in EGA16]),
    'scroll_640x480x16': lambda: paint(crop(pattern(1024, 500), 43, 20, 640, 480), every(COLORS16)),
    'split_640x480x16': lambda: _split(43, 0),
    'split_all_pan_640x480x16': lambda: _split(43, 3),
    'byte_pan_640x480x16': lambda: _split(59, 19),
    'flip_640x350x16': _flip,
    'write_modes': lambda: _bands(WRITE_BANDS, _written),
    'read_modes': lambda: _bands(READ_BANDS, _was_read),
    'vga_320x200x256': lambda: paletted(320, 200, DAC),
    'double_scan': lambda: paletted(320, 200, DAC),
    'triple_scan': lambda: paletted(320, 200, DAC)[:133],
    'dac_rotated': _rotated,
    'pixel_mask': lambda: paletted(320, 200, [DAC[i & 0x3c] for i in range(256)]),
    'modex_320x200': lambda: paletted(320, 200, DAC),
    'modex_320x240': lambda: paletted(320, 240, DAC),
    'modex_320x400': lambda: paletted(320, 400, DAC),
    'modex_360x480': lambda: paletted(360, 480, DAC),
    'modex_scroll': lambda: paint(crop(pattern(640, 400), 83, 50, 320, 200), DAC),
    'vbe_800x600x4': lambda: paletted(800, 600, COLORS16),
    'vbe_1024x768x4': lambda: paletted(1024, 768, COLORS16),
    'vbe_640x480x8': lambda: paletted(640, 480, DAC),
    'vbe_640x480x8_banked': lambda: paletted(640, 480, DAC),
    'vbe_640x400x15': lambda: _true(640, 400, (5, 5, 5)),
    'vbe_640x400x15_banked': lambda: _true(640, 400, (5, 5, 5)),
    'vbe_800x600x16': lambda: _true(800, 600, (5, 6, 5)),
    'vbe_800x600x16_banked': lambda: _true(800, 600, (5, 6, 5)),
    'vbe_640x480x24': lambda: _true(640, 480, (8, 8, 8)),
    'vbe_640x480x24_banked': lambda: _true(640, 480, (8, 8, 8)),
    'vbe_1024x768x32': lambda: _true(1024, 768, (8, 8, 8)),
    'vbe_640x480x32_banked': lambda: _true(640, 480, (8, 8, 8)),
    'vbe_dac_8_bits': _eight_bits,
    'vbe_virtual': _virtual,
    'vbe_flip': lambda: paletted(640, 960, DAC)[480:],
    'vbe_flip_back': lambda: paletted(640, 960, DAC)[:480],
    'text_again': lambda: Text('text_again').picture(),
    'border_text80': lambda: Text('border_text80').picture(),
    'border_cga': lambda: paletted(320, 200, [DAC200[i] for i in (0, 0x13, 0x15, 0x17)]),
    'border_256': lambda: paletted(320, 200, DAC),
    'border_modex': lambda: paletted(360, 480, DAC),
}
BLINKING = {'text_blink', 'text_cursor', 'text_cursor_skew', 'text_mono', 'ega_640x350_mono'}


def expected(name, monitor=False):
    """The pictures that may be seen."""
    made = BORDERS[name]() if monitor else PICTURES[name]()
    return made if name in BLINKING else [made]


# -- what vga.asm needs of this ----------------------------------------------------------------------

def include_files():
    """Names and contents."""
    text = ''
    for name, rows in (('write_bands', WRITE_BANDS), ('read_bands', READ_BANDS)):
        text += '%%define %s %d\n%s:\n' % (name.upper(), len(rows), name)
        text += ''.join('    db %s\n' % ', '.join('0x%02x' % v for v in row) for row in rows)
    return {'font16.bin': b''.join(bytes(glyph) for glyph in FONT16),
            'font8.bin': b''.join(bytes(glyph) for glyph in FONT8),
            'bands.inc': text.encode()}
