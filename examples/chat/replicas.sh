#!/usr/bin/env bash
# Runs three replicas of the chat behind nginx, with one emulator and one Redis, and says
# which URL to open. Ctrl+C stops all. It needs Go, nginx and redis-server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/replicas"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/replicas" .
"$dir/replicas" demo "$@" &
program=$!
trap 'kill "$program" 2>/dev/null || true' INT TERM HUP # the program stops what it has started
wait "$program" && status=0 || status=$?
while kill -0 "$program" 2>/dev/null; do # a signal has ended the wait
	wait "$program" && status=0 || status=$?
done
exit "$status"
