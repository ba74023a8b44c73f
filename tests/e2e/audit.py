"""The API server's audit log: who asked for what, and how often."""

import collections
import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Request:
    """One request, without its contents. resource includes the subresource: "pods/status"."""

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    code: int
    time: str
    ended: str = ""  # when it was answered; of a watch, when it began
    pod: str = ""  # whose ServiceAccount token it came with


class AuditLog:
    """Not a snapshot: every call reads what the API server has written by then."""

    def __init__(self, file):
        self._file = file

    def position(self):
        """A mark; requests(since=mark) returns what came later."""
        return self._file.stat().st_size

    def requests(self, since=0, **wanted):
        """The requests whose fields have the wanted values, for example user="...", verb="patch", namespace="...".

        A watch counts from its start, other requests when they are answered.
        """
        found = {}
        with open(self._file, "rb") as log:
            log.seek(since)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # still being written
                event = json.loads(line)
                subject = event.get("objectRef", {})
                resource = subject.get("resource", event["requestURI"])
                if "subresource" in subject:
                    resource += "/" + subject["subresource"]
                request = Request(event["verb"], resource, subject.get("namespace", ""), subject.get("name", ""),
                                  event["user"].get("username", ""), event.get("responseStatus", {}).get("code", 0),
                                  event["requestReceivedTimestamp"], event["stageTimestamp"],
                                  event["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [""])[0])
                if all(getattr(request, field) == value for field, value in wanted.items()):
                    found[event["auditID"]] = request
        return list(found.values())

    def count(self, since=0, **wanted):
        """(verb, resource) -> number of requests."""
        return collections.Counter((r.verb, r.resource) for r in self.requests(since, **wanted))
