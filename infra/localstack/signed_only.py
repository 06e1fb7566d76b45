"""Who may ask: those who sign, as AWS wants it, and no web page.

LocalStack lets everybody do everything, which on loopback is every program, every user, and by forms and `fetch` every
page that is open in a browser of the machine. Here a request is answered when

- its Host is the machine itself, or the name of the container: a page whose name was bound to 127.0.0.1 shows its own,
- it has no Origin and no Sec-Fetch-Site: a browser never has a reason to come here,
- it is signed, by its headers (checked here) or by its query (checked by LocalStack).

The health answer needs no signature. The secret is LocalStack's usual one, which is no secret: this keeps out pages and
mistakes, and shows that what we sign is what S3 takes; it does not keep out a program of the same machine.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from localstack.aws.api import RequestContext
from localstack.http import Request, Response
from localstack.http.request import get_raw_path
from rolo.gateway import HandlerChain

SECRET = b"test"
HOSTS = {"127.0.0.1", "localhost", "::1"}
PUBLIC = "/_localstack/health"
QUERY_SIGNATURES = ("X-Amz-Signature", "Signature")
# How far a clock may be off, and for how long a signature can be used. S3's own figure.
LIFETIME = timedelta(minutes=15)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/, ]+/(?P<scope>(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/s3/aws4_request),"
    r" ?SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def allow_name(name: str) -> None:
    HOSTS.add(name)


def require_signature(chain: HandlerChain[RequestContext], context: RequestContext, response: Response) -> None:
    """The first handler of the gateway."""
    reason = _refusal(context.request)
    if reason is None:
        return
    code, message = reason
    response.status_code = 403
    response.content_type = "application/xml"
    response.set_data(f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>')
    # No other handler, neither of requests nor of responses: one of the latter tells browsers that they may read it.
    chain.terminate()


def _refusal(request: Request) -> tuple[str, str] | None:
    if urlsplit(f"//{request.headers.get('Host', '')}").hostname not in HOSTS:
        return "AccessDenied", "Ask for this machine by its own name."
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        return "AccessDenied", "Not for browsers."
    if get_raw_path(request) == PUBLIC and request.method in ("GET", "HEAD"):
        return None
    if authorization := request.headers.get("Authorization"):
        return _refusal_of(request, authorization)
    if any(name in request.args for name in QUERY_SIGNATURES):
        return None
    return "AccessDenied", "The request is not signed."


def _refusal_of(request: Request, authorization: str) -> tuple[str, str] | None:
    given = AUTHORIZATION.fullmatch(authorization)
    if given is None:
        return "AccessDenied", "The request is not signed as S3 wants it."
    names = given["headers"].split(";")
    time = request.headers.get("X-Amz-Date", "")
    try:
        signed_at = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "AccessDenied", "The request has no date."
    if abs(datetime.now(UTC) - signed_at) > LIFETIME or not time.startswith(given["day"]) or "host" not in names:
        return "RequestTimeTooSkewed", "The signature is too old, or the clock is wrong."
    canonical = "\n".join(
        [
            request.method,
            get_raw_path(request),
            "&".join(sorted(_parameters(request))),
            *(f"{name}:{_value(request, name)}" for name in names),
            "",
            given["headers"],
            request.headers.get("X-Amz-Content-Sha256", ""),
        ]
    )
    text = "\n".join(["AWS4-HMAC-SHA256", time, given["scope"], hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET
    for part in given["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    if hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), given["signature"]):
        return None
    return "SignatureDoesNotMatch", "The signature is not that of this request."


def _parameters(request: Request) -> list[str]:
    query = request.query_string.decode("ascii")
    return [part if "=" in part else f"{part}=" for part in query.split("&") if part]


def _value(request: Request, name: str) -> str:
    return ",".join(" ".join(value.split()) for value in request.headers.getlist(name))
