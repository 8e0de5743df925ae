# The shop's image: web, dispatcher, workers, beat, Flower and the samples differ by command only.
# 3.11 is the Python that the tests run on.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
       --no-deps --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin shop
ENV PATH=/opt/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=shop.settings \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY . .
RUN python -m compileall -q /app
USER shop
EXPOSE 8000
# Lists, not shell lines: the program itself is asked to stop, not a shell around it.
CMD ["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", \
     "--no-control-socket", "--graceful-timeout", "10"]
