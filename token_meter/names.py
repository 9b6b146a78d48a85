"""What may stand in a row's text columns: names and identifiers, known by their form. Content has another one.

A model's name, a finish reason or a deployment comes off the wire, and a client or a damaged record can put any text
there. What is no name is left out of its column or stands there as a hash that tells it apart, and the row says so.
"""

import hashlib
import re

from token_meter.secrets import REMOVED, scrub_text, shows_secret

IDENTIFIER = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9._:/@+~#,=-]{0,127}")
"""Names that programs give: of models (`ft:gpt-4o:org::id`, `meta-llama/Llama-3`), deployments, finish reasons."""
LONGEST_NAME = 128
"""Characters of a name that people give: of an application, a product, a subscription, a region."""
LONGEST_IDENTITY = 512
"""Characters of what identifies a call, hub and partition among them."""


class Names:
    """Texts of one record as they may stand in its row; remembers whether any was none."""

    def __init__(self) -> None:
        """Begin with nothing refused."""
        self.refused = False

    def identifier(self, text: str) -> str:
        """Return a name that a program gave, or the empty string where the text is none."""
        if not text or (IDENTIFIER.fullmatch(text) and scrub_text(text) == text):
            return text
        self.refused = True
        return ""

    def name(self, text: str) -> str:
        """Return a name that people gave, in one line; a hash that tells it apart where the text is none.

        Of a text that shows a secret not even that: no secret is hashed without a key.
        """
        is_secret = shows_secret(text[: 2 * LONGEST_NAME])
        if len(text) <= LONGEST_NAME and text.isprintable() and not is_secret:
            return text
        self.refused = True
        return REMOVED if is_secret else hidden(text)

    def identity(self, text: str) -> str:
        """Return what identifies a call or an answer, or a hash where the text is none."""
        shown = identity(text)
        self.refused |= shown != text
        return shown


def identity(text: str) -> str:
    """Return what identifies a call or an answer: as it is, without blanks and of bounded length, else its hash."""
    is_one = len(text) <= LONGEST_IDENTITY and text.isprintable() and " " not in text
    return text if is_one and not shows_secret(text) else hidden(text)


def hidden(text: str) -> str:
    """Return a mark in place of a text, with a hash by which two of them can be told apart."""
    return f"{REMOVED}#{digest(text.encode('utf-8', 'surrogatepass'))}"


def digest(content: bytes) -> str:
    """Return 128 bits of SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()[:32]
