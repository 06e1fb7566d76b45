#!/bin/sh
# Runs a command with each file of a directory as the variable of its name:
#   with-secrets.sh /run/secrets node …
# docker-compose.yml has no secret in it, and no variable that shows one to all who may inspect a container.
set -eu
directory=$1
shift
for file in "$directory"/STREAMSYNC_*; do
  value=$(cat "$file")
  export "${file##*/}=$value"
done
exec "$@"
