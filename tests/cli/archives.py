"""Zip archives for tests, including malicious ones."""

import io
import struct
import zipfile
import zlib


def archive(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def encrypted(name, content):
    """An archive whose member is marked as encrypted."""
    data = bytearray(archive({name: content}))
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + flags_at
        data[at] |= 1
    return bytes(data)


def claiming(size, name="text.txt", content=b"a small text"):
    """An archive whose member claims `size` bytes, in the ZIP64 fields."""
    name = name.encode()
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(content) + compressor.flush()
    everywhere = struct.pack("<HHHHIII", 0, 8, 0, 0x21, zlib.crc32(content), 0xFFFFFFFF, 0xFFFFFFFF)
    extra = struct.pack("<HHQQ", 1, 16, size, len(packed))
    local = b"PK\x03\x04" + struct.pack("<H", 45) + everywhere + struct.pack("<HH", len(name), len(extra)) + name + extra
    central = (b"PK\x01\x02" + struct.pack("<HH", 45, 45) + everywhere +
               struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0, 0) + name + extra)
    body = local + packed
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(body), 0)
    return body + central + end
