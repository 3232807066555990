"""A task's link-local endpoints on one listener: container credentials, task metadata v4."""

import json

from .credentials import document, expiration_text
from .service import ApiError, Service
from .wire import Reply

CONTAINER_SOURCE = "container"


class Metadata(Service):
    name = "metadata"

    def identify(self, request, exchange):
        parts = request.path.split("/")[1:]
        exchange.parameters = {"path": request.path}
        if parts[:1] == ["v1"] and parts[1:] == ["credentials"]:
            exchange.operation = "GetContainerCredentials"
        elif parts[:1] == ["v2"] and parts[1:2] == ["credentials"]:
            exchange.operation = "GetContainerCredentials"
        elif parts[:1] == ["v4"] and len(parts) == 3 and parts[2] == "task":
            exchange.operation = "GetTaskMetadata"
        elif parts[:1] == ["v4"] and len(parts) == 2:
            exchange.operation = "GetContainerMetadata"
        else:
            raise ApiError("NotFound", "404 page not found", 404)
        if request.method != "GET":
            raise ApiError("MethodNotAllowed", "only GET is answered", 405)

    def answer(self, request, exchange, plan):
        if exchange.operation == "GetContainerCredentials":
            return self._credentials(request)
        task = self.world.task_metadata
        if task is None:
            raise ApiError("NotFound", "404 page not found", 404)
        if exchange.operation == "GetContainerMetadata":
            task = (task.get("Containers") or [{}])[0]
        return self._json(task)

    def _credentials(self, request):
        knobs = self.world.settings["container-credentials"]
        if knobs["fail_first"]:
            status = knobs["fail_first"].pop(0)
            raise ApiError(str(status), "credentials are not there yet", status)
        self.world.credentials.secrets.update(request.values("authorization"))
        if knobs["authorization"] is not None and (
                request.values("authorization") != [knobs["authorization"]]):
            raise ApiError("Unauthorized", "a good Authorization header is needed", 401)
        parts = request.path.split("/")
        if parts[1] == "v2" and (len(parts) != 4 or not parts[3]):
            raise ApiError("NoIdInRequest", "CredentialsV2Request: No Credential ID in the request")
        credential = self.world.credentials.current(CONTAINER_SOURCE, knobs["lifetime_seconds"])
        text = expiration_text(knobs, credential, self.world.clock.now())
        role = f"arn:aws:iam::{self.world.account}:role/kite-task-role"
        body = document(credential, text, RoleArn=role)
        return self._json({key: value for key, value in body.items() if key not in knobs["omit"]})

    def _json(self, body):
        return Reply(200, json.dumps(body).encode(), self.content_type)

    def error_reply(self, error):
        body = {"code": error.code, "message": error.message, "HTTPErrorCode": error.status}
        return Reply(error.status, json.dumps(body).encode(), self.content_type)
