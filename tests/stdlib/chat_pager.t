#!/usr/bin/env python3
"""chat and pager against strict fakes of Slack and PagerDuty: what is sent, what is refused, faults,
and one incident however often a run is killed."""
import signal, sys, time
sys.path.insert(0, "tests/lib")
from paging_fakes import Fakes
from runs import Case, done, ok

SITE = '''  secrets driver: "files", directory: "secrets"
  connect :chat, driver: "slack", url: secret("ops"), channels: { "#data" => secret("data"), "#old" => secret("old") }, timeout: 5.seconds
  connect :pager, driver: "pagerduty", routing_key: secret("routing"), services: { messaging: secret("messaging") }, url: "%s", timeout: 5.seconds'''


def case(f, body, clauses=""):
    c = Case('runbook "r" do\n  use "chat"\n  use "pager"\n  step "Do" do\n%s\n%s\n    irreversible "said is said"\n  end\nend\n' % (clauses, body), SITE % f.url)
    for name, text in (("ops", f.url + "/services/T000/B000/ops-secret"), ("data", f.url + "/services/T000/B000/data-secret"),
                       ("old", f.url + "/services/T000/B000/archived-secret"), ("routing", "R" * 32), ("messaging", "M" * 32)):
        c.file("secrets/" + name, text + "\n", 0o600)
    return c


def error(c):
    return c.events("action.finished")[-1]["data"].get("error", {})


with Fakes() as f:
    c = case(f, '    chat.post(text: "a < b & c > d <!channel>")\n    chat.post(text: "rows are in", channel: "#data")')
    code, said = c.run()
    ok(code == 0 and f.posts == [("#ops", "a &lt; b &amp; c &gt; d &lt;!channel&gt;"), ("#data", "rows are in")], "slack: posts, escaped, each to its channel", code, said, f.posts)
    whole = said + str(c.events()) + c.read("j.db-wal")
    ok("ops-secret" not in whole and "data-secret" not in whole, "slack: the webhook's address stands nowhere")
    for channel, kind, text in (("#old", "validation", "channel_is_archived"), ("#none", "validation", "no webhook for the channel #none")):
        c = case(f, '    chat.post(text: "x", channel: "%s")' % channel)
        code, said = c.run()
        ok(code == 1 and error(c)["kind"] == kind and text in error(c)["message"], "slack: %s is refused, as %s" % (channel, kind), code, said, error(c))
    code, said = case(f, '    chat.post(text: "x" * 4001)').run()
    ok(code == 1 and "4000" in said, "slack: a text that is too long is refused here", code, said)
    for fault, kind in (("500", "transient"), ("429", "transient"), ("garbage", "provider")):
        f.faults = [fault]
        c = case(f, '    chat.post(text: "x")')
        code, said = c.run()
        ok(code == 1 and error(c)["kind"] == kind, "slack: %s is %s" % (fault, kind), code, said, error(c))
    f.faults = ["lost"]
    c = case(f, '    chat.post(text: "x")')
    code, said = c.run()
    ok(code == 5, "slack: a post whose answer is lost is in doubt: nobody can ask whether it is there", code, said)

    # -- pager --
    f.incidents.clear()
    c = case(f, '    one = pager.trigger(summary: "queue stands", severity: :error, source: "web-1", details: { depth: 3 })\n'
                '    pager.acknowledge(dedup_key: one.dedup_key)\n    pager.trigger(summary: "sms", dedup_key: "sms-7", service: "messaging")\n'
                '    pager.resolve(dedup_key: "sms-7", service: "messaging")')
    code, said = c.run()
    key = c.events("action.started")[0]["data"]["key"]
    mine, other = f.incidents.get(("desk", key)), f.incidents.get(("messaging", "sms-7"))
    ok(code == 0 and mine and mine["state"] == "acknowledged" and mine["payload"]["severity"] == "error" and mine["payload"]["custom_details"] == {"depth": 3},
       "pagerduty: the action's key names the incident; acknowledged", code, said, f.incidents)
    ok(other and other["state"] == "resolved", "pagerduty: another service, by its own key; resolved", f.incidents)
    ok("R" * 32 not in said + str(c.events()), "pagerduty: the routing key stands nowhere")
    c = case(f, '    pager.trigger(summary: "x", service: "nobody")')
    code, said = c.run()
    ok(code == 1 and "no integration key" in error(c)["message"], "pagerduty: a service that the site does not know", said)
    code, said = case(f, '    pager.trigger(summary: "x" * 1025)').run()
    ok(code == 1 and "1024" in said, "pagerduty: a summary that is too long is refused here", code, said)
    c = case(f, '    pager.trigger(summary: "x")')
    c.file("secrets/routing", "wrong\n", 0o600)
    code, said = c.run()
    ok(code == 1 and error(c)["kind"] == "validation" and "'routing_key' is invalid" in error(c)["message"], "pagerduty: its errors are told", code, said, error(c))
    for fault, kind in (("500", "transient"), ("429", "transient"), ("cut", "transient"), ("garbage", "provider")):
        f.faults = [fault]
        c = case(f, '    pager.trigger(summary: "x")')
        code, said = c.run()
        ok(code == 1 and error(c)["kind"] == kind, "pagerduty: %s is %s" % (fault, kind), code, said, error(c))
    f.faults, f.opened = ["lost", "500"], 0
    c = case(f, '    pager.trigger(summary: "twice said")', "    retries 3, backoff: 1.second")
    code, said = c.run("--virtual-clock")
    ok(code == 0 and f.opened == 1 and len(c.events("step.retried")) == 2, "pagerduty: taken, answer lost, then 500, then 202: one incident", code, said, f.opened)

    # -- kill, between what the server took and its answer --
    c = case(f, '    pager.trigger(summary: "once")\n    pager.trigger(summary: "and another")')
    f.opened, f.faults = 0, ["hold"]
    before = len(f.requests)
    p = c.start("run", "r.rb")
    deadline = time.time() + 50
    while not f.held and time.time() < deadline:
        time.sleep(0.02)
    p.send_signal(signal.SIGKILL)
    p.wait()
    opened = f.opened
    code, said = c.do("resume", "last")
    settled = [e["data"]["by"] for e in c.events("action.settled")]
    ok(opened == 1 and code == 0 and f.opened == 2 and len(f.requests) - before == 3 and settled == ["by_key"],
       "pagerduty: killed before the answer and resumed: said again, by its key, and one incident", opened, f.opened, said, settled)
    ok(c.verified(), "the journal is good")

# -- outboxes --
c = Case('runbook "r" do\n  use "chat"\n  use "pager"\n  step "Do" do\n    chat.post(text: "hello\\nall", channel: "#ops")\n'
         '    x = pager.trigger(summary: "s")\n    pager.resolve(dedup_key: x.dedup_key)\n    irreversible "said"\n  end\nend\n')
code, said = c.run()
chat, pager = c.read("state/chat-outbox.log"), c.read("state/pager-outbox.log")
ok(code == 0 and chat.count("\n") == 1 and '"hello\\nall"' in chat and [l.split("\t")[1] for l in pager.splitlines()] == ["trigger", "resolve"], "without a site both have an outbox", said, chat, pager)
code, said = c.run("--drill")
ok(code == 0 and c.read("state/chat-outbox.log") == chat, "a drill has its own", code, said)
done()
