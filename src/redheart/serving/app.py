"""The HTTP server: `create_app` puts a pipeline behind FastAPI.

    app = create_app("redheart-100m", lambda: load_pipeline("redheart-100m"))

Notable: LitServe, BentoML, Ray Serve and MLServer also batch requests, but each has its own worker processes,
configuration and error formats, while here one process serves one model. TorchServe is no longer maintained. FastAPI
gives types and OpenAPI, and a batcher of some 200 lines (`batching`) does the rest. On a cluster, `clusters.ray_serve`
runs this app in the replicas of Ray Serve.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..version import __version__
from .access import METRICS, Access, give_back, take
from .batching import Batcher
from .docs_page import POLICY, docs_page, style_sheet
from .keys import Accounts, Key
from .limits import Limits
from .middleware import TEXTS, BodyLimit, Guard
from .problems import ProblemError, invalid_request
from .schema import Health, ReadResponse, read_request
from .service import Service
from .strict_body import StrictRoute
from .wire import MEDIA_TYPE, ModelFacts, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

T = TypeVar("T")

_CLIENT_CLOSED = 499  # for the log only: the client is gone


def create_app(
    name: str,
    load: "Callable[[], EthicalAnalysisPipeline]",
    limits: Limits | None = None,
    on_failure: "Callable[[], None]" = lambda: None,
    on_ready: "Callable[[], None]" = lambda: None,
    keys: Sequence[Key] = (),
    batcher: type[Batcher] = Batcher,
) -> FastAPI:
    """Create the application; its `Service` is ``app.state.service``.

    Args:
        name: Name of the model, as clients see it.
        load: Creates the pipeline; called in the worker thread once the server runs.
        limits: Limits of requests and batches; None for the defaults.
        on_failure: Called when the pipeline could not be created.
        on_ready: Called when the pipeline is ready.
        keys: API keys, one of which a request must have; none = no key is asked for.
        batcher: Puts texts of several requests together.

    Returns:
        The application.
    """
    service = Service(name, load, limits or Limits(), on_failure, on_ready, batcher)
    accounts = Accounts(keys, service.limits.texts)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service:
            yield

    app = FastAPI(
        title="Red Heart",
        version=__version__,
        description="Structured readings of texts about moral conflict. Texts are neither stored nor logged.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.router.route_class = StrictRoute
    _answer_errors(app)
    _add_routes(app, service, keyed=bool(keys))
    _add_pages(app)
    paths = frozenset(getattr(route, "path", "") for route in app.routes)
    app.add_middleware(BodyLimit, limits=service.limits, check_room=service.check_room)
    if keys:
        app.add_middleware(Access, accounts=accounts)
    app.add_middleware(Guard, paths=paths, metrics=service.metrics)  # the last one added comes first
    _describe_errors(app)
    return app


def _add_routes(app: FastAPI, service: Service, keyed: bool) -> None:
    ReadRequest: Any = read_request(service.limits)  # noqa: N806 - a type
    # `Access` checks the key; this says so in OpenAPI.
    key = [Depends(HTTPBearer(auto_error=False, description="An API key."))] if keyed else []
    refusals = (401, 429) if keyed else ()

    @app.post(
        "/read",
        response_model=ReadResponse,
        responses=_errors(408, 413, 422, 500, 503, 504, *refusals),
        dependencies=key,
    )
    async def read(body: ReadRequest, request: Request) -> Any:
        """Read texts. What the model withholds is absent from a reading."""
        texts = body.all_texts()
        take(request.scope, len(texts))
        request.scope[TEXTS] = len(texts)
        try:
            readings = await _unless_gone(request, service.read(texts, body.options()))
        except ProblemError as error:
            if error.problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                give_back(request.scope, len(texts))
            raise
        return {"readings": readings}

    @app.get("/health", responses=_errors(500))
    async def health() -> Health:
        """Whether the server is running."""
        return Health(status="alive")

    @app.get("/ready", responses=_errors(503))
    async def ready() -> Health:
        """Whether the model is loaded and warm."""
        service.ready()
        return Health(status="ready")

    @app.get("/model", responses=_errors(503, *refusals[:1]), dependencies=key)
    async def model() -> ModelFacts:
        """The model, what supervised it, and the limits of requests."""
        return service.facts()

    answers: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}
    if keyed:
        answers |= _errors(401, 403)

    @app.get(METRICS, response_class=Response, responses=answers, dependencies=key)
    async def metrics() -> Response:
        """Counts and times, for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _add_pages(app: FastAPI) -> None:
    """The page at /docs, and its style sheet."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url).rstrip("/")), headers=headers)

    @app.get("/docs.css", include_in_schema=False)
    async def style() -> Response:
        return Response(style_sheet(), media_type="text/css", headers=headers)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Await ``work``; when the client disconnects, cancel it and raise `ClientDisconnect`."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())  # after the body, the only message left is the disconnect
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.wait((working, gone))


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(ProblemError)
    async def problem(_: Request, error: ProblemError) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return invalid_request(error)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=_CLIENT_CLOSED)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            problem = ProblemError(
                405,
                "method_not_allowed",
                f"The method {request.method} is not allowed at this path.",
                "Use one of those in the header Allow.",
            )
        elif error.status_code == HTTPStatus.NOT_FOUND:
            problem = ProblemError(
                404, "not_found", "There is nothing at this path.", "Use one of the paths in /openapi.json."
            )
        else:
            problem = ProblemError(
                error.status_code, "invalid_request", error.detail, "See /openapi.json for what a request may have."
            )
        problem.headers |= dict(error.headers or {})
        return problem.response()


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def _describe_errors(app: FastAPI) -> None:
    """Set the media type of errors in OpenAPI, where FastAPI writes that of other answers."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in original()["paths"].values():
                for operation in path.values():
                    for status, response in operation["responses"].items():
                        if int(status) >= HTTPStatus.BAD_REQUEST:
                            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
        return dict(app.openapi_schema or {})

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


__all__ = ["create_app"]
