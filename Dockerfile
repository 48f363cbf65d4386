# Image of the page, for hospitals that host it themselves. It needs no network at run time. See docs/container.md.
# With LOCK=requirements-hospital.lock it also has the packages of the PACS service. See docs/hospital.md.
FROM python:3.12.12-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app

# Copied before the code, so that the packages are installed again only when a pin changes.
# Every package has the version and the hash in the lock; a file with another hash is refused. Only wheels are
# installed, because a source distribution executes its own code when it is built.
ARG LOCK=requirements.lock
COPY requirements.lock requirements-hospital.lock ./
RUN pip install --require-hashes --only-binary :all: -r $LOCK

# The UID is above those of the host's users. The user has no home directory and no shell.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin film

# The PACS service keeps its queue in a volume here. A new volume gets the owner and the permissions of this folder.
RUN install --directory --owner film --group film --mode 0700 /var/lib/pneumonia

# .dockerignore admits only the files that serving needs. They are owned by root, so the service cannot modify itself.
COPY app.py LICENSE NOTICE ./
COPY pneumonia ./pneumonia
RUN python -m compileall -q app.py pneumonia

# The page writes only below /tmp: uploads, results, a model from the Hub.
ENV HOME=/tmp \
    HF_HOME=/tmp/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

USER film
EXPOSE 7860

# Without a proxy: the machine's proxy settings would send this local request to another host.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import *; build_opener(ProxyHandler({})).open('http://127.0.0.1:7860/health', timeout=8)"]

CMD ["python", "app.py"]
