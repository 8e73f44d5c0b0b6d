#!/bin/bash
# Run once by the database's container, as superuser, when its volume is empty: the roles and the database.
# The rest are the same files as for the embedded server.
set -euo pipefail
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --set owner_password="$IOM_OWNER_PASSWORD" --set app_password="$IOM_APP_PASSWORD" <<'SQL'
CREATE ROLE iom_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION PASSWORD :'owner_password';
CREATE ROLE iom_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION PASSWORD :'app_password';
CREATE ROLE iom_audit NOLOGIN;
CREATE DATABASE iom_panel OWNER iom_owner;
SQL
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname iom_panel --file /grants.sql --file /audit.sql
