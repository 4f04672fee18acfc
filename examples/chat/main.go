// Command chat is a chat for the browser, on Azure Web PubSub or without it.
//
//	go run ./examples/chat
//
// It serves a page and the event handler of the hub "chat". It uses the service of
// WEBPUBSUB_CONNECTION_STRING, or without it an emulator in this process. Nothing
// else differs. docs/walk.md follows one message.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// azure configures the hub, once. The setting groupPresenceEvents, joined and left, is
// missing in az.
const azure = `az webpubsub hub create --name <name> --resource-group <group> --hub-name ` + hub + ` \
  --event-handler url-template="%s/eventhandler/{hub}/{event}" user-event-pattern="*" \
    system-event="connect" system-event="disconnected"
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// Run serves until the context ends. It leaves no goroutine running.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(stdout)
	addr := flags.String("addr", "127.0.0.1:"+cmp.Or(getenv("PORT"), "3000"), "`address` to listen on; PORT in the environment sets the default's port")
	public := flags.String("url", "", "`URL` at which browsers, and Azure, reach this server (default http://<addr>)")
	logins := flags.Int("logins", 2, "`number` of logins a second from one network, and 30 times as many at once.\nBehind a proxy all come from the proxy: set this high, and limit them there")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *logins < 1 || *logins > 1_000_000 {
		return fmt.Errorf("-logins %d: want 1 to 1000000", *logins)
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address by -addr, or another port by PORT in the environment", err)
	}
	defer ln.Close() //nolint:errcheck // the server may have closed it
	address := cmp.Or(strings.TrimSuffix(*public, "/"), "http://"+ln.Addr().String())
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || net.ParseIP(base.Hostname()).IsUnspecified() {
		return fmt.Errorf("-url %q: want a URL such as https://chat.example.com", address)
	}
	mux, stop, inspector := http.NewServeMux(), func(context.Context) error { return nil }, ""
	service := getenv("WEBPUBSUB_CONNECTION_STRING")
	if service != "" {
		fmt.Fprintf(stdout, azure, base)
	} else {
		emu, key, err := emulate(mux, base)
		if err != nil {
			return err
		}
		service, stop, inspector = emulator.ConnectionString(base.String(), key), emu.Shutdown, emu.InspectorURL("http://"+ln.Addr().String())
	}
	if err := mount(mux, service, *logins, log.New(stdout, "", log.Ltime)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Chat at %s (each tab is somebody else; Ctrl+C stops it)\n", base)
	if inspector != "" {
		fmt.Fprintf(stdout, "Inspector at %s (shows every frame, event and call)\n", inspector)
	}

	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, // longer than the service client keeps idle connections, so that no call meets a closing one
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	_ = stop(patience) // closes the clients and delivers their disconnected events
	limit, cancel := context.WithTimeout(patience, 3*time.Second)
	defer cancel()
	_ = srv.Shutdown(limit)
	return errors.Join(err, srv.Close()) // closes connections that browsers keep open
}

// emulate adds an emulator to the mux, in place of Azure. It calls the event handler
// of the mux in memory. Its inspector answers this machine only.
func emulate(mux *http.ServeMux, base *url.URL) (emu *emulator.Server, key string, err error) {
	key = rand.Text() + rand.Text() // the default key is public
	emu, err = emulator.New(emulator.Config{
		Origin:     base.Hostname(),
		AccessKeys: []string{key},
		Hubs:       map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.InMemory(mux)}}},
		Inspector:  &emulator.Inspector{},
	})
	if err != nil {
		return nil, "", err
	}
	mux.Handle("/client/", emu) // WebSockets
	mux.Handle("/api/", emu)    // calls of the service client
	mux.Handle(emulator.InspectorPath, emu)
	return emu, key, nil
}
