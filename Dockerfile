# Eventyard as a container: docker build -t eventyard . && docker run -p 4566:4566 -p 9092:9092 -e EVENTYARD_KAFKA_ADVERTISED_HOST=localhost eventyard
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE eventyard.py ./
COPY emulator emulator
COPY services services
RUN python -m venv /opt/eventyard \
 && /opt/eventyard/bin/pip install --no-cache-dir . \
 && /opt/eventyard/bin/python -m compileall -q /opt/eventyard/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin eventyard
COPY --from=build /opt/eventyard /opt/eventyard
USER eventyard
# Inside a container, listening on the loopback only would be of no use to anybody.
ENV PATH=/opt/eventyard/bin:$PATH EVENTYARD_HOST=0.0.0.0 PYTHONUNBUFFERED=1
# AWS services; Kafka clients.
EXPOSE 4566 9092
# Once a second, so that what waits for a healthy container waits no longer than needed; -I -S keeps each check to some 15 ms.
HEALTHCHECK --interval=1s --timeout=2s --start-period=5s --retries=5 CMD ["python", "-I", "-S", "-c", "\
import os, socket; \
env = os.environ.get; \
port = env('EVENTYARD_PORT') or env('GATEWAY_LISTEN', '').split(',')[0].rpartition(':')[2] or 4566; \
check = socket.create_connection(('127.0.0.1', int(port)), 1); \
check.sendall(b'GET /health HTTP/1.0\\r\\n\\r\\n'); \
assert b' 200 ' in check.recv(64)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["eventyard"]
