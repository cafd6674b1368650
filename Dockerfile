# syntax=docker/dockerfile:1
# The GPU worker: one image for `pull`, `push` and `runpod`. docs/container.md says how to build it.
# The layers lie in the order in which they change, so that a change of code moves megabytes. What RUN
# does stands in tools/container and gpu_worker/engine/baking, where tests run it: there is no
# container engine where those run.

# Of CUDA's image only the loader's settings and the forward compatibility with older drivers are
# used: torch brings the CUDA libraries that it was built for. The digest is what is fetched.
ARG CUDA_IMAGE=nvidia/cuda:13.0.3-base-ubuntu24.04
ARG CUDA_DIGEST=sha256:7c7413a56200486f71f181cad9310f6fd31b6bb21816ade15fc9c1e1e927a5c1
# Which models lie in the image: none, image, video, all.
ARG MODELS=none

FROM ${CUDA_IMAGE}@${CUDA_DIGEST} AS system
COPY tools/container/install_system.sh /container/
RUN /container/install_system.sh

FROM system AS torch
COPY tools/container/install_packages.sh tools/container/torch.lock /container/
RUN /container/install_packages.sh /venv /container/torch.lock
ENV PATH=/venv/bin:$PATH

# The models depend on torch and their own list only: no other package moves them.
FROM torch AS baking
COPY tools/container/baking.lock /container/
RUN /container/install_packages.sh /venv /container/baking.lock
COPY gpu_worker/engine/baking /container/gpu_worker/engine/baking
ENV PYTHONPATH=/container

FROM baking AS baking-image
RUN python -m gpu_worker.engine.baking image --out /baked

FROM baking AS baking-video
RUN python -m gpu_worker.engine.baking video --out /baked

FROM torch AS models-none

FROM torch AS models-image
COPY --link --from=baking-image /baked /baked
ENV EMBERFRAME_TASKS=image

FROM torch AS models-video
COPY --link --from=baking-video /baked /baked
ENV EMBERFRAME_TASKS=video

FROM torch AS models-all
COPY --link --from=baking-image /baked /baked
COPY --link --from=baking-video /baked /baked
ENV EMBERFRAME_TASKS=both

# hadolint ignore=DL3006
FROM models-${MODELS} AS worker
COPY requirements/worker.lock /container/
RUN /container/install_packages.sh /venv /container/worker.lock && /venv/bin/pip check
COPY tools/container/healthcheck.sh /container/
WORKDIR /app
COPY shared ./shared
COPY gpu_worker ./gpu_worker
# HF_HOME: a volume keeps what is not in the image across starts.
ENV PYTHONUNBUFFERED=1 \
    HF_HOME=/models \
    EMBERFRAME_BAKED_DIR=/baked \
    EMBERFRAME_HEALTH_FILE=/tmp/health.json \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/container/healthcheck.sh"]
ENTRYPOINT ["tini", "--", "python", "-m", "gpu_worker"]
CMD ["pull"]
