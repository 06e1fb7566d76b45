#!/bin/bash
# Says whether NGINX in this container, and the authorizer next to it, answer. The image of NGINX has no client for HTTP.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/${1:-8080}"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 204 ]
