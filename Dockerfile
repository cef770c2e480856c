# One image for the worker, beat, the console, Flower and the command line.

ARG PYTHON=3.12
# Written by `make digests`. It goes before the tag: with another PYTHON, give its digest too, or an empty one.
ARG PYTHON_DIGEST=@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM python:${PYTHON}-slim${PYTHON_DIGEST} AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/dialer
ENV PATH=/opt/dialer/bin:$PATH
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN pip install --require-hashes --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY dialer dialer
COPY campaigns campaigns
COPY workers workers
COPY console console
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim${PYTHON_DIGEST}
# What runs here installs nothing: pip goes too. The number is fixed so that folders mounted from outside can be given to it.
RUN python -m pip uninstall --yes --root-user-action ignore pip \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/dialer --shell /usr/sbin/nologin dialer \
    && install --directory --mode 0700 --owner dialer --group dialer /var/lib/dialer \
    && install --directory --owner dialer --group dialer /campaigns
COPY --from=build /opt/dialer /opt/dialer
ENV PATH=/opt/dialer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    DIALER_DATA_DIR=/var/lib/dialer
USER dialer
VOLUME /var/lib/dialer
# Campaign files and lists are mounted here, so that they are named as on one's own machine.
WORKDIR /campaigns
CMD ["dialer", "--help"]
