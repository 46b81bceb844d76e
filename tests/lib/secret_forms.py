"""The forms in which a secret may be written, for tests that look for it in what the program wrote; and a text
in each of them, as a server that says everything back would send it."""
import base64, html, json, urllib.parse


def cores(secret):
    """What of a text's base64 the text alone decides, at each place in a longer one."""
    raw = secret.encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        core = whole[-(-8 * shift // 6):(8 * (shift + len(raw))) // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def forms(secret):
    raw = secret.encode()
    found = {"raw": secret, "json": json.dumps(secret, ensure_ascii=False)[1:-1], "json ascii": json.dumps(secret)[1:-1],
             "json slashes": json.dumps(secret)[1:-1].replace("/", "\\/"), "json twice": json.dumps(json.dumps(secret))[3:-3],
             "url": urllib.parse.quote(secret, safe=""), "url plus": urllib.parse.quote_plus(secret),
             "url lower": "".join(c if c.isalnum() and ord(c) < 128 else "".join("%%%02x" % b for b in c.encode()) for c in secret),
             "url all": "".join("%%%02X" % b for b in raw), "html": html.escape(secret), "hex": raw.hex(), "HEX": raw.hex().upper()}
    found.update({f"base64 {i}": c for i, c in enumerate(cores(secret))})
    # As they stand in JSON once more: the journal, --json.
    for name, text in list(found.items()):
        found[name + ", in JSON"] = json.dumps(text, ensure_ascii=False)[1:-1]
        found[name + ", in ASCII JSON"] = json.dumps(text)[1:-1]
    return {name: text.encode() for name, text in found.items()}


def kinds(data, secret):
    """Which forms of the secret stand there; what JSON adds is no form of its own."""
    return {name.split(",")[0] for name, text in forms(secret).items() if text in data}


def echoes(texts):
    said = {}
    for name, text in texts.items():
        raw = text.encode()
        said[name] = {"raw": text, "b64": base64.b64encode(raw).decode(), "b64url": base64.urlsafe_b64encode(b"x:" + raw).decode(),
                      "b64more": base64.b64encode(b"u:" + raw + b":v").decode(), "url": urllib.parse.quote(text, safe=""),
                      "plus": urllib.parse.quote_plus(text), "json": json.dumps(text), "slashes": json.dumps(text).replace("/", "\\/"),
                      "twice": json.dumps(json.dumps(text)), "html": html.escape(text), "hex": raw.hex(), "HEX": raw.hex().upper()}
    return said
