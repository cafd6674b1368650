# syntax=docker/dockerfile:1
# The GPU worker: one image for every way to run it. Models are read from HF_HOME, a volume.
# Not built by this repository's tests: there is no container engine where they run.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
# The biggest layer first, and apart: its CUDA parts have no hash that fits every build.
RUN /venv/bin/pip install torch==2.13.0
COPY requirements/worker.lock /tmp/worker.lock
RUN /venv/bin/pip install --no-deps --require-hashes -r /tmp/worker.lock && /venv/bin/pip check

FROM ${PYTHON_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 worker \
    && install -d -o worker /models
COPY --from=packages /venv /venv
WORKDIR /app
COPY shared ./shared
COPY gpu_worker ./gpu_worker
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HF_HOME=/models \
    EMBERFRAME_HEALTH_FILE=/tmp/health.json
USER worker
HEALTHCHECK --interval=15s --start-period=15m \
    CMD ["grep", "-q", "\"state\": \"ready\"", "/tmp/health.json"]
ENTRYPOINT ["tini", "--", "python", "-m", "gpu_worker"]
CMD ["pull"]
