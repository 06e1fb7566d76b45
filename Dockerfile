# The images of docker-compose.yml and of the door on AWS:
#   functions   serverless-offline with the functions, and the preparation of the services
#   sidecars    what runs next to NGINX: renderer, authorizer, shipper
#   door        NGINX with the page
# Only files that .dockerignore names get into them.

FROM node:24.21.0-trixie-slim AS node
WORKDIR /app
ENV NODE_ENV=production HOME=/tmp
# The directory that the containers of the door share. A new volume gets its owner from here.
RUN install --directory --mode=0700 --owner=node --group=node /door
COPY package.json package-lock.json ./

FROM node AS packages
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund

FROM node AS shipped-packages
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM packages AS page
COPY tsconfig.json ./
COPY lib/contracts lib/contracts
COPY web web
RUN node node_modules/vite/bin/vite.js build web --outDir /page --emptyOutDir

FROM node AS functions
COPY --from=packages /app/node_modules node_modules
COPY serverless.yml ./
COPY infra infra
COPY handlers handlers
COPY lib lib
USER 1000:1000
EXPOSE 3000 3001

FROM node AS sidecars
COPY --from=shipped-packages /app/node_modules node_modules
COPY infra/containers/with-secrets.sh infra/containers/with-secrets.sh
COPY infra/local/home/atomic-file.ts infra/local/home/atomic-file.ts
COPY infra/local/template.ts infra/local/template.ts
COPY infra/nginx infra/nginx
COPY handlers/http handlers/http
COPY lib lib
USER 1000:1000
VOLUME /door

FROM nginx:1.30.5-trixie AS door
RUN install --directory --mode=0700 --owner=1000 --group=1000 /door
COPY --from=page /page /usr/share/streamsync/page
COPY infra/nginx/start.sh infra/nginx/healthy.sh /opt/streamsync/
USER 1000:1000
VOLUME /door
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/opt/streamsync/healthy.sh"]
ENTRYPOINT ["/opt/streamsync/start.sh"]
