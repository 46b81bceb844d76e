"""A mail server of aiosmtpd for tests: smtpd.py PORT DIR [name=value ...]. Takes every message into
DIR/N.eml, with DIR/N.json saying who sent it to whom and how; DIR/log has connections and commands.

What it refuses is said by addresses. Recipients: no-such-* 550 5.1.1, full-* 452 4.2.2, relay-* 550 5.7.1,
later-N-* 451 the first N times. Senders: spam* 554 5.7.1 to the message, busy* 421 to MAIL, drop-after*
takes the message and hangs up without an answer, drop-before* hangs up at DATA, slow* never answers.
Names: cert, key: STARTTLS (with smtps=1: TLS at once); user, password: who must log in (in_clear=1:
without TLS too); size: bytes of a message."""
import asyncio, json, os, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

port, top = int(sys.argv[1]), sys.argv[2]
options = dict(a.split("=", 1) for a in sys.argv[3:])
counts = {}


def log(text):
    with open(os.path.join(top, "log"), "a") as f:
        f.write(text + "\n")


class Handler:
    number = 0

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        log("MAIL " + address + " " + " ".join(mail_options))
        if address.startswith("busy"):
            return "421 4.3.2 too many connections"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        log("RCPT " + address)
        local = address.split("@")[0]
        if local.startswith("no-such"):
            return "550 5.1.1 there is no such mailbox"
        if local.startswith("full"):
            return "452 4.2.2 the mailbox is full"
        if local.startswith("relay"):
            return "550 5.7.1 relaying denied"
        if local.startswith("later-"):
            counts[address] = counts.get(address, 0) + 1
            if counts[address] <= int(local.split("-")[1]):
                return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        sender = envelope.mail_from
        if sender.startswith("drop-before"):
            server.transport.abort()
            return "451 gone"
        if sender.startswith("spam"):
            return "554 5.7.1 this looks like spam"
        Handler.number += 1
        name = os.path.join(top, str(Handler.number))
        with open(name + ".eml", "wb") as f:
            f.write(envelope.original_content)
        with open(name + ".json", "w") as f:
            json.dump({"from": sender, "to": envelope.rcpt_tos, "helo": session.host_name,
                       "tls": session.ssl is not None or "smtps" in options,
                       "user": session.auth_data and session.auth_data.login.decode()}, f)
        log("DATA " + sender)
        if sender.startswith("drop-after"):
            server.transport.abort()
        if sender.startswith("slow"):
            await asyncio.sleep(60)
        return "250 2.0.0 taken as " + str(Handler.number)


def authenticate(server, session, envelope, mechanism, data):
    log("AUTH " + mechanism)
    good = data.login.decode() == options["user"] and data.password.decode() == options["password"]
    return AuthResult(success=good, handled=False, auth_data=data)


tls = None
if "cert" in options:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(options["cert"], options["key"])
at_once = tls if "smtps" in options else None
settings = {"hostname": "mail.example.org", "data_size_limit": int(options.get("size", 33554432))}
if tls and not at_once:
    settings["tls_context"] = tls
if "user" in options:
    settings.update(authenticator=authenticate, auth_required=True,
                    auth_require_tls=tls is not None and not at_once and "in_clear" not in options)


handler = Handler()


def connected():
    log("CONNECT")
    return SMTP(handler, **settings)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", port, ssl=at_once)
    await server.serve_forever()


asyncio.run(main())
