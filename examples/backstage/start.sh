#!/bin/sh
# What the container runs: first a look at the database, then Backstage.
set -e
cd /app
node check-database.mjs
exec node packages/backend --config app-config.yaml --config app-config.production.yaml
