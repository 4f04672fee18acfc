package main_test

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	agent "github.com/go-webpubsub/webpubsub/examples/agent"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a program until the test ends, and returns what it prints.
func start(t *testing.T, run func(ctx context.Context, stdout io.Writer) error) (lines *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, stdout)
		_ = stdout.Close()
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		_ = out.Close()
		assert.NoError(t, <-done)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return bufio.NewScanner(out)
}

// sees waits for a line with a text.
func sees(t *testing.T, lines *bufio.Scanner, want string) string {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			return lines.Text()
		}
	}
	require.Fail(t, "not seen", want)
	return ""
}

// startChat runs the chat on an emulator. It returns its URL and the environment of the
// agent.
func startChat(t *testing.T) (url string, getenv func(string) string) {
	t.Helper()
	emu := emulator.Start(t, emulator.Config{})
	getenv = func(string) string { return emu.ConnectionString }
	lines := start(t, func(ctx context.Context, stdout io.Writer) error {
		return chat.Run(ctx, []string{"-addr", "127.0.0.1:0"}, func(name string) string {
			if name == "WEBPUBSUB_CONNECTION_STRING" {
				return emu.ConnectionString
			}
			return ""
		}, stdout, chat.Replica{})
	})
	line := sees(t, lines, "Chat at ")
	go func() {
		for lines.Scan() {
		}
	}()
	url, _, _ = strings.Cut(line[len("Chat at "):], " ")
	require.NoError(t, emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.AtURL(url + "/eventhandler/{hub}/{event}")}}))
	return url, getenv
}

// person is somebody in the chat's lobby. The channel receives the streams that begin
// there.
func person(t *testing.T, url, name string) (say func(text string), streams <-chan *client.StreamReader) {
	t.Helper()
	open, err := agent.NewLogin(url, name)
	require.NoError(t, err)
	c, err := client.New(open, nil)
	require.NoError(t, err)
	all, ended := make(chan *client.StreamReader, 10), make(chan struct{})
	c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
		all <- s
		<-ended
	}, nil)
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() {
		close(ended)
		assert.NoError(t, c.Stop(context.Background()))
	})
	return func(text string) {
		_, err := c.SendEvent(t.Context(), "say", client.JSON(map[string]string{"room": "lobby", "text": text}), nil)
		require.NoError(t, err)
	}, all
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	url, getenv := startChat(t)
	lines := start(t, func(ctx context.Context, stdout io.Writer) error {
		return agent.Run(ctx, []string{"-url", url}, getenv, stdout, agent.Parrot(time.Millisecond))
	})
	sees(t, lines, "in lobby as Robot")
	say, streams := person(t, url, "Ann")
	say("not for the robot")
	say("@Robot why?")
	text := ""
	for piece, err := range (<-streams).Pieces() {
		require.NoError(t, err)
		text += piece.String()
	}
	assert.Equal(t, "You ask: why? I am only a parrot and do not know. ", text)
	sees(t, lines, `answered: "Ann"`)
}

func TestStop(t *testing.T) {
	t.Parallel()
	url, getenv := startChat(t)
	lines := start(t, func(ctx context.Context, stdout io.Writer) error {
		return agent.Run(ctx, []string{"-url", url}, getenv, stdout, endless)
	})
	sees(t, lines, "in lobby as Robot")
	say, streams := person(t, url, "Ann")
	say("@Robot what is pi?")
	var failure error
	for piece, err := range (<-streams).Pieces() {
		if failure = err; err == nil {
			assert.Equal(t, "3.1415", piece.String())
			say("@Robot stop")
		}
	}
	var ended *client.Error
	require.ErrorAs(t, failure, &ended)
	assert.Equal(t, "Canceled", ended.UserErrorCode)
	sees(t, lines, `stopped: "Ann"`)
}

// endless begins an answer and waits for its end.
func endless(ctx context.Context, _ string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if yield("3.1415", nil) {
			<-ctx.Done()
			yield("", ctx.Err())
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	url, getenv := startChat(t)
	for want, args := range map[string][]string{
		"There is no such room.":                  {"-url", url, "-room", "cellar"},
		"no login at " + url + "/login: 400":      {"-url", url, "-name", ""},
		"missing protocol scheme":                 {"-url", "://"},
		"flag provided but not defined: -nothing": {"-nothing"},
	} {
		assert.ErrorContains(t, agent.Run(t.Context(), args, getenv, io.Discard, endless), want)
	}
	none := func(string) string { return "" }
	assert.ErrorContains(t, agent.Run(t.Context(), []string{"-url", url}, none, io.Discard, endless), "WEBPUBSUB_CONNECTION_STRING: ")
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
