# The page for a hospital that hosts it itself; docs/container.md. Needs no network once it is built.
FROM python:3.12.12-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app

# Before the code: it is installed anew only when a pin changes.
COPY requirements.txt ./
RUN pip install -r requirements.txt

# A number above those of the host's own users, with no home and no shell.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin film

# .dockerignore leaves only what serving needs; the code stays root's, so that the service cannot change itself.
COPY app.py LICENSE NOTICE ./
COPY pneumonia ./pneumonia
RUN python -m compileall -q app.py pneumonia

# All that is ever written goes below /tmp: uploads, results, a model from the Hub.
ENV HOME=/tmp \
    HF_HOME=/tmp/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

USER film
EXPOSE 7860

# No proxy: the machine's settings would send the question out of it.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import *; build_opener(ProxyHandler({})).open('http://127.0.0.1:7860/health', timeout=8)"]

CMD ["python", "app.py"]
