# One image for web, worker, beat, relay and migrate; which one it is, the command says.

FROM node:22-bookworm-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /panel
COPY requirements-run.lock ./
RUN pip install --require-hashes -r requirements-run.lock
COPY . .
COPY --from=assets /assets/node_modules node_modules
# The embedded settings need no secret to collect the static files; the storage is the same in production.
RUN python scripts/build_assets.py \
    && rm -rf node_modules \
    && DJANGO_SETTINGS_MODULE=iom.settings.embedded python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin panel \
    && install -d -o panel -g panel -m 700 /var/lib/iom-panel/files
ENV DJANGO_SETTINGS_MODULE=iom.settings.production
USER panel
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "iom.wsgi", "-c", "python:iom.serving", "--bind", "0.0.0.0:8000", "--no-control-socket"]
