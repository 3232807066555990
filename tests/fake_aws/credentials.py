"""Who may call: static keys, and temporary ones of the container endpoint and IMDS."""

import hashlib

from . import clock as clocks

STATIC = {"access_key": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
LIFETIME_SECONDS = 21600
RENEW_SECONDS = 300  # new instance credentials appear at least this long before the old ones end


class Credential:
    """One key as the services know it. `expires` is epoch seconds of the fake's clock or None."""

    def __init__(self, access_key, secret, token=None, expires=None):
        self.access_key, self.secret = access_key, secret
        self.token, self.expires = token, expires


class Credentials:
    """The static list and, per source, the credentials handed out so far."""

    def __init__(self, clock):
        self._clock = clock
        self._issued = {}  # access key -> Credential
        self._current = {}  # source -> Credential
        self._count = 0
        self.secrets = set()  # whatever nobody but its owner may learn, for tests to look for
        self.set_static([STATIC])

    def set_static(self, entries):
        self._static = {}
        for entry in entries:
            self.secrets.update(filter(None, (entry["secret"], entry.get("token"))))
            self._static[entry["access_key"]] = Credential(
                entry["access_key"], entry["secret"], entry.get("token"),
                clocks.parse_expiry(entry.get("expires")))

    def find(self, access_key):
        return self._static.get(access_key) or self._issued.get(access_key)

    def current(self, source, lifetime_seconds):
        """The credentials a source hands out now: new ones shortly before the old ones end."""
        now = self._clock.now()
        held = self._current.get(source)
        if held is None or held.expires - now < min(RENEW_SECONDS, lifetime_seconds / 2):
            held = self.issue(source, now + lifetime_seconds)
        return held

    def renew(self):
        """The next request to a source gets new credentials; those handed out stay good."""
        self._current.clear()

    def rotate(self):
        """Ends everything handed out; the next request to a source gets new credentials."""
        now = self._clock.now()
        for credential in self._issued.values():
            credential.expires = min(credential.expires, now)
        self._current.clear()

    def describe(self):
        return [{"access_key": c.access_key, "expires": c.expires}
                for known in (self._static, self._issued) for c in known.values()]

    def issue(self, source, expires):
        """New credentials that the services know until `expires`."""
        self._count += 1
        seed = f"{source} {self._count}".encode()
        made = Credential("ASIA" + hashlib.sha256(b"key " + seed).hexdigest()[:16].upper(),
                          hashlib.sha256(b"secret " + seed).hexdigest()[:40],
                          "token/" + hashlib.sha512(seed).hexdigest() + "==", expires)
        while len(self._issued) >= 100:  # bounded: the oldest is long expired
            del self._issued[next(iter(self._issued))]
        self._issued[made.access_key] = made
        self.secrets.update((made.secret, made.token))
        self._current[source] = made
        return made


def document(credential, expires, **members):
    """The members both credential endpoints share."""
    return {**members, "AccessKeyId": credential.access_key, "SecretAccessKey": credential.secret,
            "Token": credential.token, "Expiration": expires}


def expiration_text(knobs, credential, now):
    """What a source says about the end: a given text, a moment in the past, or the truth."""
    if knobs["expiration"] is not None:
        return knobs["expiration"]
    return clocks.iso(now - 60 if knobs.get("expired") else credential.expires)
