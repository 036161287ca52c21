"""An OAuth 2.0 provider on loopback for tests of the GoogleCreds plugin, and the APIs that it guards.

The provider is django-oauth-toolkit with its own views, validators and models: authorisation code with PKCE required,
refresh tokens that rotate, device code, revocation. `slow_down`, which it does not have, comes from Authlib's device
grant under /authlib/. Written here are only the person (always signed in), the APIs, and a tap in front of everything
that counts requests and can fail them. Prints one line `listening HOST:PORT` and serves until its stdin or parent ends.

    provider.py FOLDER [CERTIFICATE KEY]

SPDX-License-Identifier: Apache-2.0
"""

import collections
import json
import os
import socketserver
import ssl
import sys
import threading
import time
import wsgiref.simple_server
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

FOLDER = sys.argv[1]
SECRET = "client-secret-for-tests-0123456789"
SCOPES = ["gmail.readonly", "drive", "calendar"]

settings.configure(
    SECRET_KEY="only for tests", DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(FOLDER, "provider.db"),
        "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=[__name__ + ".Tap", __name__ + ".Person"], PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", LOGGING_CONFIG=None,
    OAUTH2_PROVIDER={
        "SCOPES": {f"https://www.googleapis.com/auth/{name}": name for name in SCOPES},
        "PKCE_REQUIRED": True, "ROTATE_REFRESH_TOKEN": True, "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "DEVICE_FLOW_INTERVAL": 1, "OAUTH_DEVICE_VERIFICATION_URI": "http://127.0.0.1/o/device/",
    },
)
django.setup()

from authlib.integrations.django_oauth2 import AuthorizationServer  # noqa: E402
from authlib.oauth2.rfc6749 import ClientMixin  # noqa: E402
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application, DeviceGrant, RefreshToken  # noqa: E402
from oauth2_provider.views import ProtectedResourceView  # noqa: E402

lock = threading.Lock()
counts = collections.Counter()
failures = {}
seen = []
secrets = {}


class Tap:
    """Counts requests by path, and fails those that a test asked to fail."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith("/control/"):
            return self.get_response(request)
        with lock:
            counts[request.path] += 1
            status, left = failures.get(request.path, (0, 0))
            if left:
                failures[request.path] = (status, left - 1)
        if left:
            return HttpResponse("busy", status=status)
        response = self.get_response(request)
        remember(request, response)
        return response


def remember(request, response):
    """Every secret that went over the wire, by what it is: tokens, codes, verifiers. The client's own is one too."""
    found = {name: request.POST[name] for name in ("code", "code_verifier", "refresh_token", "device_code", "client_secret")
             if name in request.POST}
    if response.headers.get("Content-Type", "").startswith("application/json") and "/api/" not in request.path:
        answer = json.loads(response.content)
        found.update({name: answer[name] for name in ("access_token", "refresh_token", "device_code") if name in answer})
    query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    found.update({name: query[name][0] for name in ("code", "state") if name in query})
    with lock:
        secrets.update({text: name for name, text in found.items() if text})


class Person:
    """Somebody is always signed in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.user = get_user_model().objects.get(username="ana")
        return self.get_response(request)


# ---- the APIs ----


class API(ProtectedResourceView):
    """Stands in for every host of Google's: /api/HOST/PATH. The token is checked by the toolkit."""

    def dispatch(self, request, *args, **kwargs):
        with lock:
            seen.append({"path": request.get_full_path(), "has_token": "Authorization" in request.headers})
        response = super().dispatch(request, *args, **kwargs)
        # The toolkit answers 403 to a wrong token, Google 401 (RFC 6750, section 3.1).
        return JsonResponse({"error": {"code": 401}}, status=401) if response.status_code == 403 else response

    def answer(self, request, host, rest):
        if rest == "redirect":
            return HttpResponseRedirect(request.GET["to"])
        if rest == "big":
            return HttpResponse(b"[" + b"1," * (1 << 20) + b"1]", content_type="application/json")
        if rest == "token":
            return JsonResponse({"you sent": request.headers["Authorization"]})
        if rest == "text":
            return HttpResponse("plain words", content_type="text/plain")
        if rest.startswith("status/"):
            return JsonResponse({"error": {"message": "as you wished"}}, status=int(rest[7:]))
        body = json.loads(request.body) if request.body else None
        return JsonResponse({
            "method": request.method, "host": host, "path": "/" + rest, "query": request.META["QUERY_STRING"],
            "body": body, "content_type": request.headers.get("Content-Type")})

    get = post = put = patch = delete = answer


# ---- Authlib's device grant, for slow_down ----


class Client(ClientMixin):
    def get_client_id(self):
        return "slow-client"

    def get_allowed_scope(self, scope):
        return scope

    def check_client_secret(self, secret):
        return secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return True

    def check_grant_type(self, grant_type):
        return True

    def get_default_redirect_uri(self):
        return ""


slow_devices = {}


class SlowDevices(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self):
        return "http://127.0.0.1/authlib/device"

    def save_device_credential(self, client_id, scope, data):
        slow_devices[data["device_code"]] = dict(data, client_id=client_id, scope=scope, expires_at=time.time() + 600, polls=0)


class SlowGrant(DeviceCodeGrant):
    def query_device_credential(self, code):
        device = slow_devices.get(code)
        return device and DeviceCredentialDict(device)

    def query_user_grant(self, user_code):
        device = next(d for d in slow_devices.values() if d["user_code"] == user_code)
        device["polls"] += 1
        # Two polls are too early, one finds the person still thinking, then it is done.
        return ("ana", True) if device["polls"] > 3 else None

    def should_slow_down(self, credential):
        return slow_devices[credential["device_code"]]["polls"] <= 2


class SlowServer(AuthorizationServer):
    def __init__(self):
        super().__init__(None, None)
        self.register_token_generator(
            "default", lambda grant_type, client, user=None, scope=None, expires_in=None, include_refresh_token=True: {
                "token_type": "Bearer", "access_token": "slow-access", "refresh_token": "slow-refresh",
                "expires_in": 3600, "scope": scope})

    def query_client(self, client_id):
        return Client() if client_id == "slow-client" else None

    def save_token(self, token, request):
        pass


slow = SlowServer()
slow.register_grant(SlowGrant)
slow.register_endpoint(SlowDevices(slow))


# ---- what tests ask for ----


def control(request, verb):
    if verb == "counts":
        with lock:
            return JsonResponse(dict(counts))
    if verb == "secrets":
        with lock:
            return JsonResponse({"secrets": [[name, text] for text, name in secrets.items()]})
    if verb == "seen":
        with lock:
            return JsonResponse({"requests": list(seen)})
    if verb == "fail":
        with lock:
            failures[request.GET["path"]] = (int(request.GET["status"]), int(request.GET["times"]))
    elif verb == "forget":
        # As an owner who removes the access in the account's settings.
        RefreshToken.objects.all().delete()
        AccessToken.objects.all().delete()
    elif verb == "expire-access":
        AccessToken.objects.all().delete() if request.GET.get("gone") else AccessToken.objects.update(expires=timezone.now())
    elif verb == "expire-devices":
        for grant in DeviceGrant.objects.all():
            grant.status = grant.EXPIRED
            grant.save()
    elif verb == "tokens":
        return JsonResponse({"access": AccessToken.objects.count(), "refresh": RefreshToken.objects.filter(revoked=None).count()})
    elif verb == "secret":
        # The client's secret was changed in the console.
        for application in Application.objects.all():
            application.client_secret = request.GET["is"]
            application.save()
    return JsonResponse({})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    re_path(r"^api/(?P<host>[^/]+)/(?P<rest>.*)$", API.as_view()),
    path("authlib/device", lambda request: slow.create_endpoint_response("device_authorization", request)),
    path("authlib/token", lambda request: slow.create_token_response(request)),
    path("control/<str:verb>", control),
]
for pattern in urlpatterns:
    if callable(getattr(pattern, "callback", None)):
        pattern.callback.csrf_exempt = True


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 256


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


def main():
    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ana")
    common = dict(user=user, client_type="confidential", client_secret=SECRET, algorithm="")
    Application.objects.create(
        client_id="code-client", authorization_grant_type="authorization-code",
        redirect_uris="http://127.0.0.1/callback https://nexo.example/google/callback", **common)
    Application.objects.create(
        client_id="device-client", authorization_grant_type="urn:ietf:params:oauth:grant-type:device_code", **common)
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, get_wsgi_application(), Server, Handler)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    parent = os.getppid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening 127.0.0.1:{server.server_port}", flush=True)
    # A test that is killed leaves no server behind.
    while os.getppid() == parent:
        time.sleep(0.5)


main()
