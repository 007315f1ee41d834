# SPDX-License-Identifier: LGPL-2.1-or-later
"""PNG files of 8-bit RGB: read by the host's libpng, written with nothing but zlib."""

import ctypes
import struct
import zlib


class _Image(ctypes.Structure):
    """png_image of libpng 1.6's simplified interface."""
    _fields_ = [('opaque', ctypes.c_void_p), ('version', ctypes.c_uint32),
                ('width', ctypes.c_uint32), ('height', ctypes.c_uint32),
                ('format', ctypes.c_uint32), ('flags', ctypes.c_uint32),
                ('colormap_entries', ctypes.c_uint32), ('warning_or_error', ctypes.c_uint32),
                ('message', ctypes.c_char * 64)]


_FORMAT_RGB = 2


def read(path):
    """Rows of RGB bytes."""
    png = ctypes.CDLL('libpng16.so.16')
    image = _Image(version=1)
    if not png.png_image_begin_read_from_file(ctypes.byref(image), path.encode()):
        raise OSError('%s: %s' % (path, image.message.decode()))
    image.format = _FORMAT_RGB
    pixels = ctypes.create_string_buffer(image.width * image.height * 3)
    if not png.png_image_finish_read(ctypes.byref(image), None, pixels, 0, None):
        raise OSError('%s: %s' % (path, image.message.decode()))
    stride = image.width * 3
    raw = pixels.raw
    return [raw[y * stride:(y + 1) * stride] for y in range(image.height)]


def write(path, rows):
    """Of rows of RGB bytes."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack(
            '>I', zlib.crc32(kind + body))
    header = struct.pack('>IIBBBBB', len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    body = zlib.compress(b''.join(b'\0' + row for row in rows), 1)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', body) +
                   chunk(b'IEND', b''))
