# The product: operator, command line, benchmark and launcher in one small image. Any builder makes it: docker build .
#
# The first stage is named so that simulator/Dockerfile, which starts with the same lines, shares its layers.
FROM docker.io/library/debian:bookworm-slim AS dependencies
COPY scripts/install-deps /usr/local/sbin/install-deps
RUN install-deps && rm -rf /var/lib/apt/lists/*

FROM dependencies AS build
# tests/cluster/build-images mounts the machine's own compiler cache here, and names the machine's own path for the
# sources, so that what was compiled outside is not compiled again.
ENV CCACHE_DIR=/ccache
ARG SOURCE_DIR=/src
WORKDIR ${SOURCE_DIR}
COPY . .
RUN cmake --preset release -DAUTOTUNE_TESTS=OFF \
 && cmake --build --preset release --target autotune-operator autotune autotune-bench autotune-launch \
 && scripts/image-root /image build/release/bin/autotune-operator build/release/bin/autotune \
      build/release/bin/autotune-bench build/release/bin/autotune-launch

FROM scratch
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/autotune-operator"]
