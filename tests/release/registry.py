"""A registry for one test: enough of the OCI distribution protocol for `helm push` and `helm pull`, in memory."""

import hashlib
import http.server
import threading
import uuid


class Registry:
    """with Registry() as registry: ... f"localhost:{registry.port}" """

    def __enter__(self):
        blobs, manifests = {}, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def body(self):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def do_POST(self):
                self.body()
                self.answer(202, Location=f"/v2/upload/{uuid.uuid4()}")

            def do_PATCH(self):
                blobs[self.path] = blobs.get(self.path, b"") + self.body()
                self.answer(202, Location=self.path)

            def do_PUT(self):
                path, _, query = self.path.partition("?")
                content = blobs.pop(path, b"") + self.body()
                name = f"sha256:{hashlib.sha256(content).hexdigest()}"
                if "/manifests/" in path:
                    kind = self.headers["Content-Type"]
                    manifests[path] = manifests[f"{path.rsplit('/', 1)[0]}/{name}"] = content, kind
                elif query != f"digest={name}".replace(":", "%3A"):
                    return self.answer(400)
                else:
                    blobs[name] = content
                return self.answer(201, Location=path, Docker_Content_Digest=name)

            def do_GET(self):
                if "/manifests/" in self.path and self.path in manifests:
                    content, kind = manifests[self.path]
                    name = f"sha256:{hashlib.sha256(content).hexdigest()}"
                    return self.answer(200, content, Content_Type=kind, Docker_Content_Digest=name)
                name = self.path.rsplit("/", 1)[1]
                if name in blobs:
                    return self.answer(200, blobs[name], Content_Type="application/octet-stream", Docker_Content_Digest=name)
                return self.answer(200 if self.path == "/v2/" else 404)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
