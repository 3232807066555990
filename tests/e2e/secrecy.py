"""No secret is ever told: what the program said in a test, and the secrets it could have told.

A fixture that every test has (conftest.py) looks through both when the test is over.
"""

import urllib.parse

SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
HEAD = 16


class Told:
    """Everything that kites and commands of one test wrote, and the environments they had."""

    def __init__(self):
        self.texts, self.environments = [], []

    def run(self, real, program):
        """A subprocess.run that remembers what the program under test says."""
        def run(arguments, *rest, **options):
            done = real(arguments, *rest, **options)
            if list(arguments)[:1] == [program]:
                self.environments.append(options.get("env") or {})
                self.add(" ".join(arguments[1:]), done.stdout, done.stderr)
            return done
        return run

    def add(self, source, *texts):
        for text in texts:
            if isinstance(text, bytes):
                text = text.decode(errors="replace")
            if text:
                self.texts.append((source, text))

    def secrets(self, handed_out):
        found = set(handed_out)
        for env in self.environments:
            found.update(env[name] for name in SECRET_VARIABLES if env.get(name))
            for name in PROXY_VARIABLES:
                found.add(urllib.parse.urlsplit(env.get(name, "")).password)
        return found - {None}

    def check(self, handed_out):
        for secret in self.secrets(handed_out):
            for form in forms(secret):
                for source, text in self.texts:
                    assert form not in text, f"{source} tells a secret: ...{around(text, form)}..."


def forms(secret):
    """How a secret would look: as it is, in a URL, or cut short."""
    quoted = {secret, urllib.parse.quote(secret, safe="")}
    # What reads like words might be a part of a sentence.
    cut = set() if " " in secret or len(secret) < 2 * HEAD else {form[:HEAD] for form in quoted}
    return quoted | cut


def around(text, form):
    at = text.index(form)
    return text[max(0, at - 80):at + 20]

