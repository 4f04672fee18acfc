// Command harness runs the emulator and a Go event handler for the JavaScript tests in
// this directory, until standard input ends. It prints their addresses as one line of
// JSON.
//
// Hubs: "plain" has no event handler, "go" has the Go handler, and "express" has the
// URL of the flag -express.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("harness", flag.ContinueOnError)
	flags.SetOutput(stderr)
	express := flags.String("express", "", "URL of the event handler of the hub express")
	var level slog.Level
	flags.TextVar(&level, "level", slog.LevelInfo, "least level of the records on standard error")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	handler, err := newHandler(logger)
	if err != nil {
		return err
	}
	upstream, err := serve(handler)
	if err != nil {
		return err
	}
	defer upstream.close()

	emu, err := emulator.New(config(upstream.url, *express, logger))
	if err != nil {
		return err
	}
	front, err := serve(emu)
	if err != nil {
		return err
	}
	defer front.close()
	defer emu.Close()
	err = json.NewEncoder(stdout).Encode(map[string]string{
		"endpoint":         front.url,
		"accessKey":        emulator.DefaultAccessKey,
		"connectionString": emulator.ConnectionString(front.url, emulator.DefaultAccessKey),
		"goHandler":        upstream.url,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

func config(goHandler, express string, logger *slog.Logger) emulator.Config {
	all := func(url string) emulator.Hub {
		return emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.AtURL(url)}}
	}
	cfg := emulator.Config{
		Origin: "127.0.0.1",
		Hubs:   map[string]emulator.Hub{"plain": {}, "go": all(goHandler + "/eventhandler")},
		Logger: logger,
	}
	if express != "" {
		cfg.Hubs["express"] = all(express)
	}
	return cfg
}

type server struct {
	url  string
	http *http.Server
}

func serve(h http.Handler) (*server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{"http://" + ln.Addr().String(), &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = s.http.Serve(ln) }()
	return s, nil
}

func (s *server) close() { _ = s.http.Close() }

// said is a typed payload.
type said struct {
	Text string `json:"text" validate:"required,max=100"`
}

// visits is a connection state.
type visits struct {
	Count int `json:"count"`
}

// newHandler returns the Go handler of the hub "go". It logs what it receives; the
// tests read the lines.
func newHandler(logger *slog.Logger) (http.Handler, error) {
	state := webpubsub.State[visits]{}
	return webpubsub.NewHandler(webpubsub.Config{
		Hub:               "go",
		ConnectionStrings: []string{emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.Query.Get("ticket") == "forged" {
				return nil, webpubsub.Unauthorized("the ticket is forged")
			}
			return &webpubsub.ConnectReply{Groups: []string{"lobby"}, Roles: []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"}}, nil
		},
		OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			logger.Info("go connected", "user", ev.UserID)
			return nil
		},
		OnGroupJoined: func(_ context.Context, ev *webpubsub.GroupJoinedEvent) error {
			logger.Info("go joined", "user", ev.UserID, "group", ev.Group)
			return nil
		},
		OnGroupLeft: func(_ context.Context, ev *webpubsub.GroupLeftEvent) error {
			logger.Info("go left", "user", ev.UserID, "group", ev.Group)
			return nil
		},
		OnDisconnected: func(_ context.Context, ev *webpubsub.DisconnectedEvent) error {
			logger.Info("go disconnected", "user", ev.UserID)
			return nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"text": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) { return in, nil }),
			"say":  webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in said) (said, error) { return in, nil }),
			"raw": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.BinaryReply(ev.Data), nil
			},
			"count": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				seen, err := state.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err
				}
				seen.Count++
				reply := webpubsub.JSONReply(seen)
				reply.State = state.Set(seen)
				return reply, nil
			},
			"refuse": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.Forbidden("not here")
			},
		},
	})
}
