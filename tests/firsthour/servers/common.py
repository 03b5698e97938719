"""What the three servers share: a schema check, forms, jobs and the log of POSTs."""
import argparse, base64, email.parser, email.policy, hashlib, json, mimetypes, os, re, sys, threading, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

MEDIA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "media")
LOCK = threading.RLock()
LOG = []                      # every POST received, see GET /_log
DAY = 86400


def media(name):
    with open(os.path.join(MEDIA, name), "rb") as f:
        return f.read()


def iso(t):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + "Z"


class Fail(Exception):
    def __init__(self, status, body, headers=None):
        self.status, self.body, self.headers = status, body, headers or {}


class Binary:
    def __init__(self, data, ctype, headers=None):
        self.data, self.ctype, self.headers = data, ctype, headers or {}


class Reply:
    def __init__(self, body, status=200, headers=None):
        self.body, self.status, self.headers = body, status, headers or {}


def check(schema, value, loc=("body",), root=None):
    """A small JSON Schema check; returns a list of (loc, kind, message, context)."""
    root = root or schema
    if "$ref" in schema:
        return check(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, loc, root)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            tries = [check(s, value, loc, root) for s in schema[word]]
            if [] in tries:
                return []
            return min(tries, key=len)
    bad = []
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types
    is_int = isinstance(value, int) and not isinstance(value, bool)
    names = {"string": isinstance(value, str), "integer": is_int or (isinstance(value, float) and value.is_integer()),
             "number": is_int or isinstance(value, float), "boolean": isinstance(value, bool), "null": value is None,
             "object": isinstance(value, dict), "array": isinstance(value, list)}
    if types and not any(names[t] for t in types):
        return [(loc, "%s_type" % types[0], "Input should be a valid %s" % types[0], {})]
    if "enum" in schema and value not in schema["enum"]:
        want = ", ".join("'%s'" % e if isinstance(e, str) else str(e) for e in schema["enum"][:-1])
        last = schema["enum"][-1]
        want = (want + " or " if want else "") + ("'%s'" % last if isinstance(last, str) else str(last))
        return [(loc, "enum", "Input should be " + want, {"expected": want})]
    if "const" in schema and value != schema["const"]:
        return [(loc, "literal_error", "Input should be '%s'" % schema["const"], {"expected": schema["const"]})]
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            bad.append((loc, "string_too_short", "String should have at least %d character%s" % (schema["minLength"], "s"[:schema["minLength"] != 1]), {"min_length": schema["minLength"]}))
        if len(value) > schema.get("maxLength", 1 << 60):
            bad.append((loc, "string_too_long", "String should have at most %d characters" % schema["maxLength"], {"max_length": schema["maxLength"]}))
        if "pattern" in schema and not re.search(schema["pattern"], value):
            bad.append((loc, "string_pattern_mismatch", "String should match pattern '%s'" % schema["pattern"], {"pattern": schema["pattern"]}))
    if names["number"]:
        if value < schema.get("minimum", float("-inf")):
            bad.append((loc, "greater_than_equal", "Input should be greater than or equal to %g" % schema["minimum"], {"ge": schema["minimum"]}))
        if value > schema.get("maximum", float("inf")):
            bad.append((loc, "less_than_equal", "Input should be less than or equal to %g" % schema["maximum"], {"le": schema["maximum"]}))
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", 1 << 60):
            bad.append((loc, "too_long", "List should have at most %d items after validation, not %d" % (schema["maxItems"], len(value)), {}))
        if len(value) < schema.get("minItems", 0):
            bad.append((loc, "too_short", "List should have at least %d item after validation, not %d" % (schema["minItems"], len(value)), {}))
        for i, v in enumerate(value):
            bad += check(schema.get("items", {}), v, loc + (i,), root)
    if isinstance(value, dict):
        props = schema.get("properties", {})
        for r in schema.get("required", []):
            if r not in value:
                bad.append((loc + (r,), "missing", "Field required", {}))
        for k, v in value.items():
            if k in props:
                bad += check(props[k], v, loc + (k,), root)
            elif schema.get("additionalProperties") is False:
                bad.append((loc + (k,), "extra_forbidden", "Extra inputs are not permitted", {}))
    return bad


def picture_kind(data):
    for magic, kind in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")):
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def from_data_uri(text):
    m = re.match(r"data:([\w/+.-]+);base64,(.*)$", text, re.S)
    if not m:
        return None, None
    try:
        return m.group(1), base64.b64decode(m.group(2), validate=True)
    except ValueError:
        return m.group(1), None


def parse_multipart(ctype, raw):
    msg = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(b"Content-Type: " + ctype.encode() + b"\r\n\r\n" + raw)
    out = {}
    for part in msg.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if name is None:
            continue
        data = part.get_payload(decode=True) or b""
        fn = part.get_filename()
        if fn is not None or part.get_content_maintype() not in ("text",):
            out[name] = {"filename": fn, "content_type": part.get_content_type(), "data": data}
        else:
            out[name] = data.decode("utf-8", "replace")
    return out


def short(value):
    """Body for the log: long texts cut, but their length, start and digest kept."""
    if isinstance(value, str) and len(value) > 400:
        return {"_cut": True, "starts": value[:80], "length": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    if isinstance(value, dict):
        return {k: short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [short(v) for v in value]
    if isinstance(value, bytes):
        return {"_bytes": len(value), "magic": value[:8].hex(), "sha256": hashlib.sha256(value).hexdigest()}
    return value


class Jobs:
    """Jobs are kept for a day; with --state FILE they also survive a restart."""
    def __init__(self, path):
        self.path, self.rows = path, {}
        if path and os.path.exists(path):
            self.rows = json.load(open(path))

    def add(self, row):
        with LOCK:
            row.setdefault("t", time.time())
            self.rows[row["id"]] = row
            self.save()
        return row

    def save(self):
        if self.path:
            with open(self.path + ".new", "w") as f:
                json.dump(self.rows, f)
            os.replace(self.path + ".new", self.path)

    def get(self, key):
        with LOCK:
            row = self.rows.get(key)
        return row if row and time.time() - row["t"] < DAY else None

    def all(self):
        with LOCK:
            return sorted((r for r in self.rows.values() if time.time() - r["t"] < DAY), key=lambda r: -r["t"])

    def drop(self, key):
        with LOCK:
            self.rows.pop(key, None)
            self.save()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    app = None

    def log_message(self, *a):
        pass

    def send(self, status, data, ctype="application/json", headers=None):
        if not isinstance(data, bytes):
            data = json.dumps(data, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", ctype)
        self.send_header("Content-Length", str(len(data)))
        for k, v in (headers or {}).items():
            self.send_header(k, str(v))
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(data)
            except OSError:
                pass

    def run(self, method):
        u = urlsplit(self.path)
        path = unquote(u.path)
        query = {k: v[0] for k, v in parse_qs(u.query).items()}
        raw = b""
        n = self.headers.get("Content-Length")
        if n and n.isdigit():
            raw = self.rfile.read(int(n))
        elif "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                chunk = self.rfile.read(size)
                self.rfile.readline()
                if not size:
                    break
                raw += chunk
        entry = None
        ctype = self.headers.get("Content-Type") or ""
        body, problem = None, None
        if method == "POST":
            if ctype.startswith("multipart/form-data"):
                body = parse_multipart(ctype, raw)
            elif raw:
                try:
                    body = json.loads(raw)
                except ValueError as e:
                    problem = str(e)
            entry = {"n": 0, "t": time.time(), "path": path, "query": query, "key": self.app.key_of(self.headers),
                     "content_type": ctype, "user_agent": self.headers.get("User-Agent"),
                     "idempotency_key": self.headers.get("Idempotency-Key"), "body": short(body) if problem is None else {"_unparsed": raw[:200].decode("utf-8", "replace")}}
            with LOCK:
                entry["n"] = len(LOG) + 1
                LOG.append(entry)
        try:
            if path == "/_log" and method == "GET":
                with LOCK:
                    self.send(200, {"posts": LOG, "count": len(LOG)})
                return
            out = self.app.route(method, path, query, self.headers, body, problem, "http://" + (self.headers.get("Host") or "127.0.0.1"))
            status, headers, data, kind = 200, {}, out, "application/json"
            if isinstance(out, Reply):
                status, headers, data = out.status, out.headers, out.body
            elif isinstance(out, Binary):
                headers, data, kind = out.headers, out.data, out.ctype
        except Fail as f:
            status, headers, data, kind = f.status, f.headers, f.body, "application/json"
        except Exception as e:                                      # a fault of this test server
            import traceback
            traceback.print_exc()
            status, headers, data, kind = 500, {}, {"detail": "Internal Server Error"}, "application/json"
        if entry is not None:
            entry["status"] = status
            entry["reply"] = short(data) if not isinstance(data, bytes) else short(data)
        self.send(status, data, kind, headers)

    def do_GET(self):
        self.run("GET")

    def do_HEAD(self):
        self.run("GET")

    def do_POST(self):
        self.run("POST")

    def do_PUT(self):
        self.run("PUT")

    def do_DELETE(self):
        self.run("DELETE")


def serve(App):
    ap = argparse.ArgumentParser()
    ap.add_argument("--port", type=int, default=0)
    ap.add_argument("--state", help="file that keeps the jobs over a restart")
    ap.add_argument("--job-seconds", type=float, default=4.0)
    a = ap.parse_args()
    Handler.app = App(a)
    srv = ThreadingHTTPServer(("127.0.0.1", a.port), Handler)
    srv.daemon_threads = True
    print("listening on http://127.0.0.1:%d key=%s" % (srv.server_address[1], Handler.app.KEY), flush=True)
    try:
        srv.serve_forever()
    except KeyboardInterrupt:
        pass
