"""Signature Version 4, the verifying side, from the raw bytes of the request.

Source: AWS's description of the Signature Version 4 signing process for header authorization.
Shares no code with any signer under test.
"""

import functools
import hashlib
import hmac
import re

from . import clock as clocks

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_SECONDS = 300
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_WHITESPACE = re.compile(rb"[ \t\r\n\f\v]+")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class Refused(Exception):
    """Why a request is not accepted. `kind`: missing incomplete headers scope skew key token
    expired signature; each service turns it into its own code."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Authorization:
    """The parts of an Authorization header."""

    def __init__(self, text):
        algorithm, _, rest = text.partition(" ")
        parts = {}
        for item in rest.split(","):
            key, equals, value = item.strip().partition("=")
            if equals and key not in parts:
                parts[key] = value
        if algorithm != ALGORITHM:
            raise Refused("incomplete", f"Unsupported algorithm '{algorithm}' in Authorization.")
        needed = ("Credential", "Signature", "SignedHeaders")
        lacking = [key for key in needed if not parts.get(key)]
        if lacking:
            raise Refused("incomplete", "".join(
                f"Authorization header requires '{key}' parameter. " for key in lacking).strip())
        credential = parts["Credential"].split("/")
        if len(credential) != 5:
            raise Refused("incomplete", "Credential must have exactly 5 slash-delimited elements, "
                                        f"keyid/date/region/service/term, got {len(credential)}")
        self.access_key, self.date, self.region, self.service, self.terminator = credential
        self.signed_headers = parts["SignedHeaders"].split(";")
        self.signature = parts["Signature"]

    @property
    def scope(self):
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


def uri_encode(raw, keep=b""):
    return "".join(chr(byte) if byte in UNRESERVED or byte in keep else f"%{byte:02X}"
                   for byte in raw)


def percent_decode(raw):
    return _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), raw)


def normalize_path(raw):
    """Resolves `.`, `..` and doubled slashes, keeping a trailing slash."""
    kept = []
    segments = raw.split(b"/")
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment not in (b"", b"."):
            kept.append(segment)
    slash = b"/" if kept and segments[-1] in (b"", b".", b"..") else b""
    return b"/" + b"/".join(kept) + slash


def canonical_path(raw, normalize=True):
    return uri_encode(normalize_path(raw) if normalize else raw or b"/", b"/")


def canonical_query(raw):
    pairs = []
    for item in raw.split(b"&") if raw else ():
        key, _, value = item.partition(b"=")
        pairs.append((uri_encode(percent_decode(key)), uri_encode(percent_decode(value))))
    return "&".join(f"{key}={value}" for key, value in sorted(pairs))


def canonical_headers(headers, signed):
    """The header block for the names in `signed`, same-named ones joined in the order received."""
    values = {}
    for name, value in headers:
        cleaned = _WHITESPACE.sub(b" ", value).strip(b" ")
        values.setdefault(name.decode("latin-1").lower(), []).append(cleaned)
    lines = []
    for name in signed:
        if name not in values:
            raise Refused("headers", f"The signed header '{name}' is not in the request.")
        lines.append(name + ":" + b",".join(values[name]).decode("latin-1") + "\n")
    return "".join(lines)


def canonical_request(method, target, headers, signed, body, normalize=True):
    path, _, query = target.partition(b"?")
    return "\n".join((method, canonical_path(path, normalize), canonical_query(query),
                      canonical_headers(headers, signed), ";".join(signed),
                      hashlib.sha256(body).hexdigest()))


def string_to_sign(amz_date, scope, canonical):
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    return f"{ALGORITHM}\n{amz_date}\n{scope}\n{digest}"


@functools.lru_cache(maxsize=256)
def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature_of(secret, date, region, service, text):
    return hmac.digest(signing_key(secret, date, region, service), text.encode("latin-1"),
                       "sha256").hex()


def check_signed_headers(auth, headers):
    signed = auth.signed_headers
    if any(name != name.lower() for name in signed) or signed != sorted(set(signed)):
        raise Refused("headers", "SignedHeaders must be lower case, sorted and without repetition.")
    if "host" not in signed:
        raise Refused("headers",
                      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if "x-amz-date" not in signed:
        raise Refused("headers", "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.")
    for raw_name, _ in headers:
        name = raw_name.decode("latin-1").lower()
        if name.startswith("x-amz-") and name not in signed:
            raise Refused("headers", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def check_scope(auth, amz_date, region, service):
    if auth.date != amz_date[:8]:
        raise Refused("scope", "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                               f"version of date from HTTP: '{auth.date}' != '{amz_date[:8]}', "
                               f"from '{amz_date}'.")
    if auth.region != region:
        raise Refused("scope",
                      f"Credential should be scoped to a valid region, not '{auth.region}'.")
    if auth.service != service:
        raise Refused("scope", f"Credential should be scoped to correct service: '{service}'.")
    if auth.terminator != "aws4_request":
        raise Refused("scope", "Credential should be scoped with a valid terminator: "
                               f"'aws4_request', not '{auth.terminator}'.")


def check_skew(amz_date, now, tolerated=SKEW_SECONDS):
    minutes = tolerated // 60
    signed_at = clocks.parse_basic(amz_date)
    if signed_at < now - tolerated:
        raise Refused("skew", f"Signature expired: {amz_date} is now earlier than "
                              f"{clocks.basic(now - tolerated)} ({clocks.basic(now)} - "
                              f"{minutes} min.)")
    if signed_at > now + tolerated:
        raise Refused("skew", f"Signature not yet current: {amz_date} is still later than "
                              f"{clocks.basic(now + tolerated)} ({clocks.basic(now)} + "
                              f"{minutes} min.)")


def check_token(credential, tokens, now):
    if credential is None:
        raise Refused("key", "The security token included in the request is invalid.")
    if tokens != ([credential.token] if credential.token else []):
        raise Refused("token", "The security token included in the request is invalid.")
    if credential.expires is not None and credential.expires <= now:
        raise Refused("expired", "The security token included in the request is expired")


def verify(request, service, region, now, find_credential, skew_seconds=SKEW_SECONDS):
    """The access key of a good request, raises Refused otherwise; the order is AWS's own."""
    given = request.values("authorization")
    if not given or not given[0]:
        raise Refused("missing", "Missing Authentication Token")
    if len(given) > 1:
        raise Refused("incomplete", "Authorization header given more than once.")
    auth = Authorization(given[0])
    dates = request.values("x-amz-date")
    if len(dates) != 1 or clocks.parse_basic(dates[0]) is None:
        raise Refused("incomplete", "Authorization header requires existence of one "
                                    "'X-Amz-Date' in ISO-8601 basic format.")
    amz_date = dates[0]
    check_signed_headers(auth, request.headers)
    check_scope(auth, amz_date, region, service)
    check_skew(amz_date, now, skew_seconds)
    credential = find_credential(auth.access_key)
    check_token(credential, request.values("x-amz-security-token"), now)
    body_hash = request.header("x-amz-content-sha256")
    if body_hash is not None and body_hash != hashlib.sha256(request.body).hexdigest():
        raise Refused("signature", "The value of 'x-amz-content-sha256' does not match the body.")
    canonical = canonical_request(request.method, request.target, request.headers,
                                  auth.signed_headers, request.body)
    text = string_to_sign(amz_date, auth.scope, canonical)
    expected = signature_of(credential.secret, auth.date, auth.region, auth.service, text)
    if not hmac.compare_digest(expected.encode(), auth.signature.encode("latin-1")):
        raise Refused("signature", "The request signature we calculated does not match the "
                                   "signature you provided. Check your AWS Secret Access Key and "
                                   "signing method. Consult the service documentation for details.")
    return auth.access_key
