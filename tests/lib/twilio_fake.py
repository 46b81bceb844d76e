"""A strict fake of Twilio's Messages API (2010-04-01), on loopback: it enforces the documented rules and
remembers what it took.

    with Twilio() as f:
        f.url, f.messages            # newest last; each as the API shows it
        f.faults = ["503", "lost"]   # what the next posts meet, one each; then none
        f.list_faults = ["503"]      # the same for lists
        f.refuses["+1555..."] = 21610
        f.reply("+1555...", "STOP")
"""
import base64, datetime, email.utils, http.server, json, re, secrets, threading, time, urllib.parse

ACCOUNT, TOKEN = "AC" + "0a" * 16, "sample-token-" + "7" * 19
NUMBER, SERVICE = "+15005550006", "MG" + "0b" * 16
WORDS = {21610: "Attempt to send to unsubscribed recipient", 21211: "Invalid 'To' Phone Number", 21614: "'To' number is not a valid mobile number",
         21408: "Permission to send an SMS has not been enabled for the region", 20003: "Authenticate", 20404: "The requested resource was not found",
         20429: "Too Many Requests", 21606: "The 'From' phone number is not a valid message-capable Twilio phone number", 21602: "Message body is required",
         21603: "A 'From' phone number is required", 21617: "The concatenated message body exceeds the 1600 character limit", 20500: "Internal Server Error"}
FORM = {"To", "Body", "From", "MessagingServiceSid", "StatusCallback"}
LIST = {"To", "From", "DateSent", "DateSent>", "DateSent<", "PageSize", "Page", "PageToken"}


def when(t):
    return None if t is None else email.utils.format_datetime(datetime.datetime.fromtimestamp(int(t), datetime.timezone.utc))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, code, **headers):
        self.answer(status, {"code": code, "message": WORDS[code], "more_info": "https://www.twilio.com/docs/errors/%d" % code, "status": status}, **headers)

    def known(self):
        said = self.headers.get("Authorization", "")
        return said == "Basic " + base64.b64encode(("%s:%s" % (ACCOUNT, TOKEN)).encode()).decode()

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def do_GET(self):
        t = self.server.twilio
        path, _, query = self.path.partition("?")
        with t.lock:
            t.requests.append("GET " + self.path)
            if not self.known():
                return self.error(401, 20003)
            one = re.fullmatch(r"/2010-04-01/Accounts/%s/Messages/((?:SM|MM)[0-9a-f]{32})\.json" % ACCOUNT, path)
            if one:
                m = next((m for m in t.messages if m["sid"] == one.group(1)), None)
                return self.answer(200, t.shown(m)) if m else self.error(404, 20404)
            if path != "/2010-04-01/Accounts/%s/Messages.json" % ACCOUNT:
                return self.error(404, 20404)
            fault = t.list_faults.pop(0) if t.list_faults else ""
            if fault:
                return self.error(int(fault), 20429 if fault == "429" else 20500)
            self.list(t, path, query)

    def list(self, t, path, query):
        said = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True))
        if not set(said) <= LIST or not 1 <= int(said.get("PageSize", 50)) <= 1000:
            return self.error(400, 20404)
        size, page = min(int(said.get("PageSize", 50)), t.page_size), int(said.get("Page", 0))
        found = [t.shown(m) for m in reversed(t.messages) if time.time() >= m["listed"] and all((
            said.get("To", m["to"]) == m["to"], said.get("From", m["from"]) == m["from"], self.sent_as(t, m, said)))]
        part = found[page * size:(page + 1) * size]
        more = len(found) > (page + 1) * size
        said.update(Page=str(page + 1), PageSize=str(size), PageToken="PA" + (part[-1]["sid"] if part else ""))
        self.answer(200, {"messages": part, "page": page, "page_size": size, "start": page * size, "end": page * size + max(len(part) - 1, 0),
                          "uri": self.path, "first_page_uri": path + "?Page=0&PageSize=%d" % size, "previous_page_uri": None,
                          "next_page_uri": path + "?" + urllib.parse.urlencode(said) if more else None})

    def sent_as(self, t, m, said):
        """What has not been sent has no date, and no filter by date lists it."""
        for name, good in (("DateSent>", lambda a, b: a >= b), ("DateSent<", lambda a, b: a <= b)):
            if name in said:
                at = datetime.datetime.strptime(said[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
                date = t.date_sent(m)
                if date is None or not good(int(date), at):
                    return False
        return True

    def do_POST(self):
        with self.server.twilio.lock:
            self.server.twilio.active += 1
        try:
            self.take()
        finally:
            with self.server.twilio.lock:
                self.server.twilio.active -= 1

    def take(self):
        t = self.server.twilio
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with t.lock:
            t.requests.append("POST " + self.path + " " + body)
            fault = t.faults.pop(0) if t.faults else ""
            if t.held.is_set():  # as the others, until whoever asked was killed
                fault = "hold"
            elif t.hangs and len(t.messages) >= t.hangs[0]:
                t.hangs.pop(0)
                t.held.set()
                fault = "hold"
        if not self.known():
            return self.error(401, 20003)
        if self.path != "/2010-04-01/Accounts/%s/Messages.json" % ACCOUNT:
            return self.error(404, 20404)
        if fault == "cut":  # never taken
            return self.hang_up()
        if fault == "429":
            return self.error(429, 20429, Retry_After="1")
        if fault == "429-bare":
            return self.error(429, 20429)
        if fault == "503":
            return self.error(503, 20500)
        with t.lock:
            status, said = self.create(t, body)
        if fault == "lost":  # taken, and the answer is cut off
            return self.hang_up()
        if fault == "lost-503":  # taken, and something between says otherwise
            return self.error(503, 20500)
        if fault == "hold":  # taken, and no answer until whoever asked is gone
            self.connection.settimeout(60)
            try:
                self.connection.recv(1)
            except OSError:
                pass
            return self.hang_up()
        self.answer(status, said) if status == 201 else self.error(status, said)

    def create(self, t, body):
        if self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            return 400, 21602
        pairs = urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        said = dict(pairs)
        if len(said) != len(pairs) or not set(said) <= FORM or "" in said.values():
            return 400, 21602
        if not said.get("Body"):
            return 400, 21602
        if len(said["Body"]) > 1600:
            return 400, 21617
        if ("From" in said) == ("MessagingServiceSid" in said):
            return 400, 21603
        if said.get("From", NUMBER) != NUMBER or said.get("MessagingServiceSid", SERVICE) != SERVICE:
            return 400, 21606
        if not re.fullmatch(r"\+[1-9]\d{7,14}", said.get("To", "")):
            return 400, 21211
        if said["To"] in t.refuses:
            return 400, t.refuses[said["To"]]
        m = t.put(said["To"], said.get("From"), said["Body"], "outbound-api", said.get("MessagingServiceSid"))
        return 201, t.shown(m)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that was killed resets its connection


class Twilio:
    def __enter__(self):
        self.lock, self.held = threading.Lock(), threading.Event()
        self.requests, self.messages, self.faults, self.list_faults, self.refuses, self.hangs = [], [], [], [], {}, []
        self.active, self.page_size, self.lag, self.sent_after, self.delivered_after, self.fails = 0, 1000, 0, 0.2, 0.4, {}
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.twilio = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def put(self, to, sender, body, direction, service=None, at=None):
        at = time.time() if at is None else at
        m = {"sid": "SM" + secrets.token_hex(16), "to": to, "from": sender, "body": body, "direction": direction,
             "messaging_service_sid": service, "at": at, "listed": at + (self.lag if direction != "inbound" else 0)}
        self.messages.append(m)
        return m

    def release(self):
        """After a client that was held was killed: nothing of it is left."""
        while self.active:
            time.sleep(0.05)
        self.held.clear()

    def reply(self, phone, text, at=None):
        with self.lock:
            self.put(phone, NUMBER, text, "inbound", at=at)["to"] = NUMBER
            self.messages[-1]["from"] = phone

    def date_sent(self, m):
        sent = m["at"] + (0 if m["direction"] == "inbound" else self.sent_after)
        return sent if time.time() >= sent else None

    def shown(self, m):
        age, code = time.time() - m["at"], self.fails.get(m["sid"], self.fails.get(m["to"]))
        status = "queued" if age < self.sent_after else "sent" if age < self.delivered_after else "undelivered" if code else "delivered"
        if m["direction"] == "inbound":
            status, code = "received", None
        return {"sid": m["sid"], "account_sid": ACCOUNT, "api_version": "2010-04-01", "to": m["to"], "from": m["from"], "body": m["body"],
                "direction": m["direction"], "status": status, "date_created": when(m["at"]), "date_updated": when(m["at"]),
                "date_sent": when(self.date_sent(m)), "messaging_service_sid": m["messaging_service_sid"], "num_segments": "1", "num_media": "0",
                "error_code": code if status == "undelivered" else None, "error_message": "Unreachable" if status == "undelivered" and code else None,
                "price": None, "price_unit": "USD", "uri": "/2010-04-01/Accounts/%s/Messages/%s.json" % (ACCOUNT, m["sid"]),
                "subresource_uris": {"media": "/2010-04-01/Accounts/%s/Messages/%s/Media.json" % (ACCOUNT, m["sid"])}}

    def sent(self, body=None):
        """Numbers that were written to, as often as they were."""
        with self.lock:
            return [m["to"] for m in self.messages if m["direction"] == "outbound-api" and body in (None, m["body"])]
