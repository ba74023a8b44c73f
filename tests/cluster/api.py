"""A small client of a test cluster's API server, for programs outside the cluster's network."""

import http.client
import json
import ssl
import time

from box import API_ADDRESS, Box


class ApiError(Exception):
    """The API server's refusal: code, reason and message as it gave them."""

    def __init__(self, code, status):
        self.code = code
        self.reason = status.get("reason", "")
        self.message = status.get("message", str(status))
        super().__init__(f"{code} {self.reason}: {self.message}")


class Api:
    """Speaks to the API server as the cluster's administrator. Not for several threads at once."""

    def __init__(self, state, timeout=10):
        """`timeout`: of one request, in seconds."""
        self.box = Box(state)
        self._timeout = timeout
        self._tls = ssl.create_default_context(cafile=self.box.state / "pki/ca.crt")
        self._tls.load_cert_chain(self.box.state / "pki/admin.crt", self.box.state / "pki/admin.key")
        self._connection = None

    def request(self, method, path, body=None, content_type="application/json"):
        """The parsed answer (text where it is not JSON). Refusals raise ApiError."""
        headers = {"Accept": "application/json"}
        payload = None
        if body is not None:
            payload = body if isinstance(body, (str, bytes)) else json.dumps(body)
            headers["Content-Type"] = content_type
        for attempt in (1, 2):
            reused = self._connection is not None
            try:
                if not reused:
                    self._connection = self._connect(self._timeout)
                self._connection.request(method, path, payload, headers)
                response = self._connection.getresponse()
                text = response.read().decode()
                break
            except (OSError, http.client.HTTPException):
                self._connection = None
                # An idle connection may have been closed meanwhile: only then the same request is sent once more.
                if not reused or attempt == 2:
                    raise
        is_json = response.headers.get_content_type() == "application/json"
        if response.status >= 400:
            raise ApiError(response.status, json.loads(text) if is_json else {"message": text})
        return json.loads(text) if is_json else text

    def _connect(self, timeout):
        connection = http.client.HTTPSConnection(API_ADDRESS, context=self._tls)
        connection.sock = self._tls.wrap_socket(self.box.connect(API_ADDRESS, 443, timeout), server_hostname=API_ADDRESS)
        return connection

    def stream(self, path):
        """The answer to GET as it comes, for watches: an iterable of lines, on a connection of its own."""
        connection = self._connect(None)
        connection.request("GET", path, headers={"Accept": "application/json"})
        return connection.getresponse()

    def get(self, path):
        return self.request("GET", path)

    def find(self, path):
        """The object at path, or None when there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def create(self, path, body):
        return self.request("POST", path, body)

    def delete(self, path, body=None):
        return self.request("DELETE", path, body)

    def patch(self, path, body):
        return self.request("PATCH", path, body, "application/merge-patch+json")

    def ready(self):
        """Whether the API server answers and says that it is ready; raises OSError while nobody listens."""
        try:
            return self.get("/readyz") == "ok"
        except ApiError:
            return False

    def wait(self, path, condition, what, timeout=60):
        """Polls the object at path until condition(object or None) is true and returns the object."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.find(path)
            if condition(found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not seen within {timeout} s; {path} is now:\n{json.dumps(found, indent=1)}")
            time.sleep(0.1)
