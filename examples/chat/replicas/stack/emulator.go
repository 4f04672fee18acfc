package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/examples/chat/app"
)

// emulated is the service, in this process.
type emulated struct {
	connectionString string
	emu              *emulator.Server
	srv              *http.Server
	served           chan error
}

func startEmulator(ctx context.Context, port int, eventHandler string, transport http.RoundTripper) (*emulated, error) {
	key := rand.Text() + rand.Text() // the default key is public
	emu, err := emulator.New(emulator.Config{
		Origin:     "127.0.0.1",
		AccessKeys: []string{key},
		Hubs:       map[string]emulator.Hub{app.Hub: {EventHandlers: []emulator.EventHandler{emulator.AtURL(eventHandler + "/eventhandler/{hub}/{event}")}}},
		Transport:  transport,
		KeepAlive:  -1, // a machine that is busy with everything at once may answer pings late
	})
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	e := &emulated{
		connectionString: emulator.ConnectionString("http://"+address, key),
		emu:              emu,
		srv:              &http.Server{Handler: emu, ReadHeaderTimeout: patience, IdleTimeout: 2 * time.Minute},
		served:           make(chan error, 1),
	}
	go func() { e.served <- e.srv.Serve(ln) }()
	return e, nil
}

// stop closes the clients and delivers the last events.
func (e *emulated) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := errors.Join(e.emu.Shutdown(ctx), e.srv.Close())
	if served := <-e.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
