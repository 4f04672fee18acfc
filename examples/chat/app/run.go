package app

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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// azure configures the hub, once. The setting groupPresenceEvents, joined and left, is
// missing in az.
const azure = `az webpubsub hub create --name <name> --resource-group <group> --hub-name ` + Hub + ` \
  --event-handler url-template="%s/eventhandler/{hub}/{event}" user-event-pattern="*" \
    system-event="connect" system-event="disconnected"
`

// Replica adds to the chat what it needs to run as one of several replicas.
type Replica struct {
	// AddFlags adds flags to those of the chat.
	AddFlags func(*flag.FlagSet)
	// Open opens the stores, after the flags were parsed.
	Open func(context.Context, *service.Client) (Stores, error)
}

// options are the flags.
type options struct {
	addr, url string
	logins    int
	rooms     []string
}

func parse(args []string, getenv func(string) string, stdout io.Writer, r Replica) (o options, err error) {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:"+cmp.Or(getenv("PORT"), "3000"), "`address` to listen on; PORT in the environment sets the default's port")
	flags.StringVar(&o.url, "url", "", "`URL` at which browsers, and Azure, reach this server (default http://<addr>)")
	flags.IntVar(&o.logins, "logins", 2, "`number` of logins a second from one network, and 30 times as many at once.\nBehind a proxy all come from the proxy: set this high, and limit them there")
	rooms := flags.String("rooms", "lobby,go,music,random", "`names` of the rooms, of which the page has these four; everybody starts in the first")
	if r.AddFlags != nil {
		r.AddFlags(flags)
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.logins < 1 || o.logins > 1_000_000 {
		return o, fmt.Errorf("-logins %d: want 1 to 1000000", o.logins)
	}
	if o.rooms = strings.Split(*rooms, ","); slices.Contains(o.rooms, "") {
		return o, fmt.Errorf("-rooms %q: want names separated by commas", *rooms)
	}
	return o, nil
}

// Run serves until the context ends. It leaves no goroutine running. The zero Replica is
// a chat of one process.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer, r Replica) error {
	o, err := parse(args, getenv, stdout, r)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address by -addr, or another port by PORT in the environment", err)
	}
	defer ln.Close() //nolint:errcheck // the server may have closed it
	address := cmp.Or(strings.TrimSuffix(o.url, "/"), "http://"+ln.Addr().String())
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || net.ParseIP(base.Hostname()).IsUnspecified() {
		return fmt.Errorf("-url %q: want a URL such as https://chat.example.com", address)
	}
	mux, stop, inspector := http.NewServeMux(), func(context.Context) error { return nil }, ""
	connectionString := getenv("WEBPUBSUB_CONNECTION_STRING")
	if connectionString != "" {
		fmt.Fprintf(stdout, azure, base)
	} else {
		emu, key, err := emulate(mux, base)
		if err != nil {
			return err
		}
		connectionString, stop = emulator.ConnectionString(base.String(), key), emu.Shutdown
		inspector = emu.InspectorURL("http://" + ln.Addr().String())
	}
	client, err := service.NewClientFromConnectionString(connectionString, Hub, nil)
	if err != nil {
		return err
	}
	var stores Stores
	if r.Open != nil {
		if stores, err = r.Open(ctx, client); err != nil {
			return err
		}
	}
	stores = stores.complete()
	defer stores.Close()
	if err := mount(mux, client, connectionString, stores, o, log.New(stdout, "", log.Ltime)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Chat at %s (each tab is somebody else; Ctrl+C stops it)\n", base)
	if inspector != "" {
		fmt.Fprintf(stdout, "Inspector at %s (shows every frame, event and call)\n", inspector)
	}
	if stores.Presence != nil {
		var rounds sync.WaitGroup
		defer rounds.Wait()
		rounds.Go(func() { _ = stores.Presence.Run(ctx) }) // its error is that of the context
	}
	return serve(ctx, ln, mux, stop)
}

// serve serves until the context ends, then stops the emulator and the server.
func serve(ctx context.Context, ln net.Listener, mux http.Handler, stop func(context.Context) error) (err error) {
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
		Hubs:       map[string]emulator.Hub{Hub: {EventHandlers: []emulator.EventHandler{emulator.InMemory(mux)}}},
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
