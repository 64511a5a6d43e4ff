# graylane as the sidecar of a config-management plugin: one static program, no shell, not root.
#   docker build -t registry.example.com/graylane:0.1.0 --build-arg GRAYLANE_COMMIT=$(git rev-parse HEAD) .
# Argo CD brings the server that runs it; see templates/argocd.
FROM rust:1.95-alpine AS build
# The C compiler is for libgit2, which is built from source.
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
# For `graylane --version`; the repository does not come along.
ARG GRAYLANE_COMMIT
# The target of Alpine's Rust is musl: the program is linked statically.
RUN cargo build --profile dist --locked --bin graylane

FROM scratch
COPY --from=build /src/target/dist/graylane /usr/local/bin/graylane
COPY templates/argocd/plugin.yaml /home/argocd/cmp-server/config/plugin.yaml
USER 999:999
ENTRYPOINT ["/usr/local/bin/graylane"]
