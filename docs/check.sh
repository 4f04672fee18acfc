#!/bin/sh
# Shows how "webpubsub check" finds a wrong key: it checks the handler of examples/echo
# with a wrong key, and with the right one. Run it in a clone, with Go:
#
#	sh docs/check.sh
#
# The session in docs/troubleshooting.md is its output; a test compares both. PORT is the
# handler's, 3000 if not set.
set -eu
cd "$(dirname "$0")/.."
export PORT="${PORT:-3000}"
dir=$(mktemp -d)
handler=
trap '[ -z "$handler" ] || kill "$handler"; rm -r "$dir"' EXIT
go build -o "$dir" ./cmd/webpubsub ./examples/echo

# serve starts the handler with an access key, in place of the one that runs.
serve() {
	echo "\$ # the handler starts with $1"
	if [ -n "$handler" ]; then
		kill "$handler"
		wait "$handler" 2>"$dir/log" || true
	fi
	WEBPUBSUB_CONNECTION_STRING="Endpoint=https://contoso.webpubsub.azure.com;AccessKey=$2;Version=1.0;" "$dir/echo" 2>"$dir/log" &
	handler=$!
	while "$dir/webpubsub" check "http://localhost:$PORT/" --hub chat | grep -q 'nothing listens'; do
		kill -0 "$handler" || { cat "$dir/log"; exit 1; }
	done
}

# check prints a command and its output.
check() {
	echo "\$ webpubsub check http://localhost:$PORT/eventhandler --hub chat --any-hub"
	"$dir/webpubsub" check "http://localhost:$PORT/eventhandler" --hub chat --any-hub || echo "(exit code $?)"
}

export WEBPUBSUB_CONNECTION_STRING='Endpoint=https://contoso.webpubsub.azure.com;AccessKey=the key of the service;Version=1.0;'
serve 'a key that has been replaced' 'the key of last year'
check
echo
serve "the service's key" 'the key of the service'
check
