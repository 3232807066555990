# The image: the program, the CA bundle, nothing else. `make image` builds it with docker, podman or
# buildah; for another processor the program is cross-compiled, not emulated.

ARG BUILDPLATFORM
ARG BASE=docker.io/library/debian:bookworm-slim
FROM --platform=$BUILDPLATFORM ${BASE} AS build
WORKDIR /kite
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates make \
 && rm -rf /var/lib/apt/lists/*
# What changes seldom comes first, so that the libraries stay cached while the sources change.
COPY Makefile ./
COPY third_party third_party
ARG TARGETARCH
RUN third_party/image-arch "$TARGETARCH" >arch && make static-libraries ARCH="$(cat arch)"
COPY src src
RUN make static ARCH="$(cat arch)" \
 && install -D build/static*/ecs-task-kite /image/ecs-task-kite \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ecs-task-kite" \
      org.opencontainers.image.description="Forwards TCP connections to the tasks of an ECS service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
ENTRYPOINT ["/ecs-task-kite"]
