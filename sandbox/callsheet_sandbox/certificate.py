"""Make a self-signed certificate for the loopback, with the standard library alone."""

import base64
import hashlib
import os
import secrets
import time
from pathlib import Path

# The curve P-256 (SEC 2, 2.4.2). Slow and not constant in time: for local tests only.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_DAY = 86_400
_Point = tuple[int, int]


def _add(a: _Point | None, b: _Point | None) -> _Point | None:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % _P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P)
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(factor: int) -> _Point:
    total, power = None, _G
    while factor:
        if factor & 1:
            total = _add(total, power)
        power = _add(power, power) or _G
        factor >>= 1
    return total or _G


def _sign(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    once = secrets.randbelow(_N - 1) + 1
    r = _times(once)[0] % _N
    s = pow(once, -1, _N) * (digest + r * key) % _N
    return _sequence(_integer(r), _integer(s))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    content = bytes([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.insert(0, number & 0x7F | 0x80)
        content += bytes(groups)
    return _der(0x06, content)


def _bits(content: bytes, unused: int = 0) -> bytes:
    return _der(0x03, bytes([unused]) + content)


def _time(seconds: float) -> bytes:
    return _der(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def _extension(number: str, content: bytes, *, critical: bool = False) -> bytes:
    flag = _der(0x01, b"\xff") if critical else b""
    return _sequence(_oid(number), flag, _der(0x04, content))


def _extensions(point: bytes) -> bytes:
    mark = hashlib.sha1(point, usedforsecurity=False).digest()
    names = _sequence(_der(0x82, b"localhost"), _der(0x87, bytes([127, 0, 0, 1])))
    return _der(
        0xA3,
        _sequence(
            _extension("2.5.29.19", _sequence(_der(0x01, b"\xff")), critical=True),
            # digitalSignature and keyCertSign.
            _extension("2.5.29.15", _bits(b"\x84", 2), critical=True),
            _extension("2.5.29.17", names),
            _extension("2.5.29.14", _der(0x04, mark)),
            _extension("2.5.29.35", _sequence(_der(0x80, mark))),
        ),
    )


def _certificate(key: int, point: bytes, now: float) -> bytes:
    # ecdsa-with-SHA256, and a public key on prime256v1 (RFC 5758, RFC 5480).
    algorithm = _sequence(_oid("1.2.840.10045.4.3.2"))
    kind = _sequence(_oid("1.2.840.10045.2.1"), _oid("1.2.840.10045.3.1.7"))
    common = _sequence(_oid("2.5.4.3"), _der(0x0C, b"callsheet sandbox"))
    name = _sequence(_der(0x31, common))
    content = _sequence(
        _der(0xA0, _integer(2)),
        _integer(secrets.randbits(64) | 1),
        algorithm,
        name,
        _sequence(_time(now - _DAY), _time(now + 365 * _DAY)),
        name,
        _sequence(kind, _bits(point)),
        _extensions(point),
    )
    return _sequence(content, algorithm, _bits(_sign(key, content)))


def _pem(label: str, content: bytes) -> str:
    text = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def write_certificate(path: Path) -> None:
    """Write certificate and key, in one PEM file of mode 0600, for 127.0.0.1 and localhost.

    A file of that name is replaced; the certificate lasts a year.
    """
    key = secrets.randbelow(_N - 1) + 1
    x, y = _times(key)
    point = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    private = _sequence(
        _integer(1),
        _der(0x04, key.to_bytes(32, "big")),
        _der(0xA0, _oid("1.2.840.10045.3.1.7")),
        _der(0xA1, _bits(point)),
    )
    text = _pem("CERTIFICATE", _certificate(key, point, time.time()))
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + _pem("EC PRIVATE KEY", private))
