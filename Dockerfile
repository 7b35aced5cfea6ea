# One image for every command: rmqwire namesrv, broker, standalone, admin, ...
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1

# Dependencies come from pyproject.toml alone: a change of the code leaves their layer as it is.
FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/rmqwire
WORKDIR /build
COPY pyproject.toml ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > dependencies.txt \
 && pip --python /opt/rmqwire/bin/python install -r dependencies.txt

FROM dependencies AS code
COPY README.md LICENSE ./
COPY src src
RUN pip --python /opt/rmqwire/bin/python install --no-deps --prefix /code .

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="rmqwire" \
      org.opencontainers.image.description="Apache RocketMQ's broker, name server and clients in Python" \
      org.opencontainers.image.licenses="Apache-2.0"
# The ids of the official RocketMQ images, so that a store folder can change hands. What isn't told
# where to be kept (Java's defaults are below the home) is kept in the one folder as well.
RUN groupadd --gid 3000 rmqwire \
 && useradd --uid 3000 --gid 3000 --home-dir /var/lib/rmqwire --no-create-home rmqwire \
 && install --directory --owner 3000 --group 3000 /var/lib/rmqwire
COPY --from=dependencies /opt/rmqwire /opt/rmqwire
COPY --from=code /code /opt/rmqwire
# A server writes where it is to be reached into the file, and the health check asks there.
ENV PATH=/opt/rmqwire/bin:$PATH PYTHONUNBUFFERED=1 RMQWIRE_ADDRESS_FILE=/tmp/rmqwire.addresses
USER 3000:3000
WORKDIR /var/lib/rmqwire
EXPOSE 9876 10909 10911 10912
STOPSIGNAL SIGTERM
# A broker that recovers a big store may take its time; the first answer ends the start period.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m --retries=3 CMD ["rmqwire", "admin", "health"]
ENTRYPOINT ["rmqwire"]
CMD ["--help"]
