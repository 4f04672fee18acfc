#!/usr/bin/env bash
# Prints a terminal session: webpubsub check names the defect of an event handler, the
# handler is mended, and the check passes. It needs Go, and a clone of this repository.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
handler=
finish() {
  if [ -n "$handler" ]; then kill "$handler" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap finish EXIT

go build -o "$dir/webpubsub" ./cmd/webpubsub
export WEBPUBSUB_CONNECTION_STRING='Endpoint=http://localhost:8080;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;'

# A site whose pages need a login. In site.go the event handler is behind it, too.
cat > "$dir/mended.go" <<'END'
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/go-webpubsub/webpubsub"
)

func withLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("session"); err != nil && r.URL.Path != "/login" {
			http.Redirect(w, r, "/login", http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	h, err := webpubsub.NewHandler(webpubsub.Config{Hub: "chat", ConnectionStrings: []string{os.Getenv("WEBPUBSUB_CONNECTION_STRING")}})
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)

	mux := http.NewServeMux()
	mux.Handle("/eventhandler", h)
	mux.Handle("/", withLogin(http.FileServer(http.Dir("pages"))))
	log.Fatal(http.Serve(l, mux))
}
END
sed -e '/^	mux.Handle("\/"/s/withLogin(\(.*\)))$/\1)/' -e 's/http.Serve(l, mux)/http.Serve(l, withLogin(mux))/' "$dir/mended.go" > "$dir/site.go"

# serve runs a program and sets port to the one that it prints.
serve() {
  if [ -n "$handler" ]; then kill "$handler"; wait "$handler" 2>/dev/null || true; fi
  go build -o "$dir/site" "$1"
  rm -f "$dir/port"
  mkfifo "$dir/port"
  "$dir/site" > "$dir/port" 2> "$dir/log" &
  handler=$!
  read -r port < "$dir/port"
}

# check runs webpubsub check, as if the handler were on port 3000.
check() {
  local code=0
  echo '$ webpubsub check http://localhost:3000/eventhandler --hub chat'
  "$dir/webpubsub" check "http://localhost:$port/eventhandler" --hub chat > "$dir/report" 2>&1 || code=$?
  sed "s/localhost:$port/localhost:3000/g" "$dir/report"
  echo '$ echo $?'
  echo "$code"
}

serve "$dir/site.go"
check
echo
echo '$ diff site.go mended.go'
diff "$dir/site.go" "$dir/mended.go" || true
echo
serve "$dir/mended.go"
check
