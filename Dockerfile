FROM python:3.11-slim
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN pip install --no-cache-dir /src && rm -rf /src
RUN useradd --create-home rmqwire && mkdir -p /var/lib/rmqwire && chown rmqwire /var/lib/rmqwire
USER rmqwire
VOLUME /var/lib/rmqwire
EXPOSE 9876 10909 10911 10912
ENTRYPOINT ["rmqwire"]
CMD ["--help"]
