# The gateway's image, for amd64 and arm64: every package of requirements.txt has a wheel for both, nothing is compiled.
# It runs as user 10001, with a root file system that is read-only if you like, a tmpfs at /tmp and volumes for the rest:
#
#   docker build -t grok2api .
#   docker run -d --name grok2api --read-only --tmpfs /tmp --stop-timeout 640 -p 127.0.0.1:8000:8000 \
#     -v grok2api-data:/app/data -v grok2api-logs:/app/logs grok2api

# The Python that the tests run on.
FROM python:3.11-slim-bookworm AS build
COPY requirements.txt /tmp/
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Grok2API" \
      org.opencontainers.image.description="An OpenAI-compatible gateway to your own Grok web accounts" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GROK2API_DATA_DIR=/app/data \
    LOG_DIR=/app/logs \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
# A new volume takes over the owner of the folder that it covers.
RUN groupadd --gid 10001 grok2api \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin grok2api \
    && install -d -o grok2api -g grok2api -m 750 data logs
COPY --from=build /opt/venv /opt/venv
COPY wsgi.py gunicorn.conf.py ./
COPY templates/ templates/
COPY static/ static/
COPY grok2api/ grok2api/
# Nobody can write the bytecode later.
RUN python -m compileall -q grok2api wsgi.py
USER 10001:10001
VOLUME ["/app/data", "/app/logs"]
EXPOSE 8000
# gunicorn is process 1: it gets the signal itself, and streams may finish. Docker waits for 10 s unless told otherwise.
STOPSIGNAL SIGTERM
# Not by urllib.request, which would ask a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
