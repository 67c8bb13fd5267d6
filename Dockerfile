# gudok in a container: one static-enough binary, no shell, no root, nothing writable but /data.
#   docker build -t gudok .

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p gudok && install -D target/release/gudok /out/gudok && mkdir -p /out/data

# glibc and libgcc, and nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/gudok /usr/local/bin/gudok
COPY --from=build --chown=nonroot:nonroot /out/data /data
WORKDIR /
USER nonroot:nonroot
ENV GUDOK__SERVER__BIND=0.0.0.0:8080 GUDOK__DATABASE__URL=sqlite:///data/gudok.db?mode=rwc
EXPOSE 8080
VOLUME /data
# Whether it lives, not whether it is ready: who replaces unhealthy containers must not do so because the database is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/gudok", "health", "--alive"]
ENTRYPOINT ["/usr/local/bin/gudok"]
CMD ["serve"]
