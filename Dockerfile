# The images of Reeve: agent, rules, controller, cli. docker-compose.yml builds what it needs; one alone:
#   docker build --target agent -t reeve-agent .
# Where things come from can be said by build arguments, all empty by default: REGISTRY (of the base images, with a slash at
# its end), DEBIAN_MIRROR and NPM_REGISTRY (URLs). Certificates to trust while building: --secret id=certificates,src=ca.pem
ARG REGISTRY=

FROM ${REGISTRY}openpolicyagent/opa:1.22.2-static AS opa

# What compiles and installs. Nothing of it is in an image but what is copied out of it.
FROM ${REGISTRY}node:24.21.0-bookworm-slim AS build
ARG DEBIAN_MIRROR=
RUN --mount=type=secret,id=certificates set -eu; \
    if [ -n "$DEBIAN_MIRROR" ]; then \
        rm -rf /etc/apt/sources.list /etc/apt/sources.list.d; \
        echo "deb $DEBIAN_MIRROR bookworm main" >/etc/apt/sources.list; \
    fi; \
    if [ -s /run/secrets/certificates ]; then set -- -o Acquire::https::CAInfo=/run/secrets/certificates; fi; \
    apt-get "$@" -q update; \
    apt-get "$@" -qy install --no-install-recommends clang llvm libbpf-dev libbpf1 linux-libc-dev; \
    rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The eBPF objects. They are the same for every kernel (CO-RE).
FROM build AS bpf
COPY package.json ./
COPY bpf bpf
RUN node bpf/build.mjs && rm bpf/out/layouts.o bpf/out/*.d

# The npm packages, as locked. No package of ours needs its install script.
FROM build AS modules
ARG NPM_REGISTRY=
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=certificates set -eu; \
    if [ -s /run/secrets/certificates ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/certificates; fi; \
    npm ci --ignore-scripts --no-audit --no-fund --omit=dev --cache /tmp/npm ${NPM_REGISTRY:+--registry "$NPM_REGISTRY"}; \
    rm -rf /tmp/npm
COPY deploy/image/modules.mjs deploy/image/
RUN node deploy/image/modules.mjs /modules/agent ajv commander koffi nats pino prom-client yaml && \
    node deploy/image/modules.mjs /modules/rules @open-policy-agent/opa-wasm ajv commander jsonata nats pino yaml && \
    node deploy/image/modules.mjs /modules/cli @open-policy-agent/opa-wasm ajv chokidar commander jsonata nats pino yaml

# Node and the libraries that it needs, and nothing else: no shell, no package manager.
FROM build AS files
COPY deploy/image/libraries.sh deploy/image/
RUN llvm-strip -o /tmp/node /usr/local/bin/node && \
    sh deploy/image/libraries.sh /files/node /tmp/node && \
    install -D /tmp/node /files/node/usr/local/bin/node && \
    sh deploy/image/libraries.sh /files/libbpf "$(find /usr/lib -name libbpf.so.1)" && \
    mkdir -m 1777 /files/node/tmp

FROM scratch AS runtime
COPY --from=files /files/node /
COPY deploy/image/health.mjs /opt/reeve/deploy/image/
COPY package.json /opt/reeve/
COPY bus /opt/reeve/bus
COPY cli /opt/reeve/cli
ENV PATH=/usr/local/bin NODE_ENV=production HOME=/tmp REEVE_HEALTH_FILE=/tmp/health.json
WORKDIR /opt/reeve
USER 64999:64999
STOPSIGNAL SIGTERM
LABEL org.opencontainers.image.title="Reeve" \
      org.opencontainers.image.description="Runtime security for Linux: rules in Rego and JSONata decide, the kernel carries it out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["node", "/opt/reeve/cli/main.ts"]

FROM runtime AS agent
COPY --from=files /files/libbpf /
COPY --from=modules /modules/agent node_modules
COPY --from=bpf /build/bpf/out bpf/out
COPY agent agent
# It loads eBPF programs: root, and privileged where it runs.
USER 0:0
LABEL org.opencontainers.image.title="Reeve agent" io.reeve.part="agent"
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=500ms CMD ["node", "/opt/reeve/deploy/image/health.mjs"]
# A small nursery: the agent makes much that lives for a moment only.
ENTRYPOINT ["node", "--max-semi-space-size=2", "/opt/reeve/cli/main.ts"]
CMD ["run", "agent"]

FROM runtime AS rules
COPY --from=modules /modules/rules node_modules
COPY rules rules
# What fields an event has: what of a rule's conditions agents can be asked for.
COPY rego/schemas rego/schemas
LABEL org.opencontainers.image.title="Reeve rules engine" io.reeve.part="rules"
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=500ms CMD ["node", "/opt/reeve/deploy/image/health.mjs"]
CMD ["run", "engine"]

# Controller and command line build rule sets, for which they need the rules that ship with Reeve, and opa.
FROM runtime AS builder
COPY --from=opa /opa /usr/local/bin/opa
COPY --from=modules /modules/cli node_modules
COPY rules rules
COPY rego rego

FROM builder AS controller
COPY controller controller
LABEL org.opencontainers.image.title="Reeve controller" io.reeve.part="controller"
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=500ms CMD ["node", "/opt/reeve/deploy/image/health.mjs"]
CMD ["run", "controller"]

FROM builder AS cli
# How events of each kind are shown.
COPY agent agent
LABEL org.opencontainers.image.title="Reeve command line" io.reeve.part="cli"
CMD ["--help"]
