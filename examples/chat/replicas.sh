#!/usr/bin/env bash
# Runs three replicas of the chat behind nginx, with one emulator and one Redis, and says
# which URL to open. Ctrl+C stops all. It needs Go, nginx and redis-server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/replicas"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/replicas" .
trap : INT # the program stops what it has started
"$dir/replicas" demo "$@"
