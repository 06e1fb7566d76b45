#!/bin/sh
# Starts NGINX in the directory in which render.ts has written its configuration.
set -eu
cd /door
# NGINX cannot listen on the socket that a killed one has left.
rm -f origin.sock
exec nginx -e stderr -p ./ -c nginx.conf
