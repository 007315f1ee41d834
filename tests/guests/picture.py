# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures of a guest's screen: reading them, and comparing them by what they show."""

import struct
import zlib

from guest import check


def read_png(path):
    """Width, height and the unpacked rows (each behind its filter byte) of an 8-bit RGB PNG."""
    with open(path, 'rb') as file:
        data = file.read()
    check(data[:8] == b'\x89PNG\r\n\x1a\n', 'no PNG signature')
    at, pixels, width, height = 8, b'', 0, 0
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        checksum = struct.unpack('>I', data[at + 8 + length:at + 12 + length])[0]
        check(zlib.crc32(kind + body) == checksum, 'a PNG chunk has a wrong checksum')
        if kind == b'IHDR':
            width, height = struct.unpack('>II', body[:8])
        elif kind == b'IDAT':
            pixels += body
        at += 12 + length
    return width, height, zlib.decompress(pixels)


def _unfilter(width, height, packed):
    """The rows of a PNG without their filters (PNG specification, section 9)."""
    stride = width * 3
    before = bytearray(stride)
    rows = []
    for y in range(height):
        kind = packed[y * (stride + 1)]
        row = bytearray(packed[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride if kind else 0):
            left = row[x - 3] if x >= 3 else 0
            up = before[x]
            corner = before[x - 3] if x >= 3 else 0
            if kind == 1:
                row[x] = row[x] + left & 0xff
            elif kind == 2:
                row[x] = row[x] + up & 0xff
            elif kind == 3:
                row[x] = row[x] + (left + up) // 2 & 0xff
            else:
                guess = left + up - corner
                nearest = min((left, up, corner), key=lambda value: abs(guess - value))
                row[x] = row[x] + nearest & 0xff
        rows.append(row)
        before = row
    return rows


def thumbnail(path, columns, lines):
    """A picture's mean colours in a grid: a list of lines of (red, green, blue)."""
    width, height, packed = read_png(path)
    check(width >= columns and height >= lines, 'the picture has %dx%d' % (width, height))
    rows = _unfilter(width, height, packed)
    grid = []
    for line in range(lines):
        band = rows[line * height // lines:(line + 1) * height // lines]
        cells = []
        for column in range(columns):
            left, right = column * width // columns, (column + 1) * width // columns
            count = (right - left) * len(band)
            cells.append(tuple(sum(sum(row[left * 3 + c:right * 3:3]) for row in band) // count
                               for c in range(3)))
        grid.append(cells)
    return grid


def write_thumbnail(path, grid):
    """As a text file: six hexadecimal digits a cell."""
    with open(path, 'w', encoding='ascii') as file:
        for line in grid:
            print(' '.join('%02x%02x%02x' % cell for cell in line), file=file)


def read_thumbnail(path):
    """What write_thumbnail() wrote."""
    with open(path, encoding='ascii') as file:
        return [[tuple(bytes.fromhex(cell)) for cell in line.split()] for line in file]


def difference(one, other):
    """The mean difference of two thumbnails, 0 to 255 a colour."""
    check(len(one) == len(other) and len(one[0]) == len(other[0]), 'thumbnails of two sizes')
    pairs = [(a, b) for row, row2 in zip(one, other) for a, b in zip(row, row2)]
    return sum(abs(x - y) for a, b in pairs for x, y in zip(a, b)) / (3 * len(pairs))
