"""What a mail file says, as JSON: headers, the text and HTML parts, files in hex, types in order."""
import email, email.policy, json, sys

with open(sys.argv[1], "rb") as f:
    mail = email.message_from_binary_file(f, policy=email.policy.default)
out = {"headers": {k: str(v) for k, v in mail.items()}, "files": [], "types": []}
for part in mail.walk():
    out["types"].append(part.get_content_type())
    if part.is_multipart():
        continue
    if part.get_content_disposition() == "attachment":
        out["files"].append({"name": part.get_filename(), "type": part.get_content_type(),
                             "hex": part.get_payload(decode=True).hex()})
    else:
        text = part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")
        out["html" if part.get_content_subtype() == "html" else "text"] = text
if mail.defects:
    out["defects"] = [repr(d) for d in mail.defects]
json.dump(out, sys.stdout)
