package chat_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// TestAgent: an answer of examples/agent grows on the page, and a person can stop it.
func TestAgent(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	url := startChat(t, emu)
	startAgent(t, emu, url)

	b := &tab{rig.Open(t, rig.Launch(t), url, `^(`+url+`/|ws`+strings.TrimPrefix(emu.Endpoint, "http")+`/client/)`)}
	b.Screenshots = *screenshots
	b.join("Ann")
	const all = "You ask: why is the sky blue? I am only a parrot and do not know. "
	answer := func(condition string) {
		b.Await(`[...document.querySelectorAll("#log .said")].some(e => e.textContent.startsWith("You ask:") && %s)`, condition)
	}
	eval[bool](b, `(window.shown = new Set(), new MutationObserver(() => {
		shown.add([...document.querySelectorAll("#log .said")].at(-1)?.textContent);
	}).observe(document.getElementById("log"), { childList: true, subtree: true }), true)`)
	b.say("@Robot why is the sky blue?")
	b.Shows("#log .said", all)
	assert.Positive(t, eval[int](b, `[...shown].filter(text => text.startsWith("You ask:") && text.length < %d).length`, len(all)), "the answer came at once")
	b.Shoot("agent-desktop", "light", 1280, 800, 1)
	b.Shoot("agent-phone", "dark", 390, 780, 2)

	b.say("@Robot " + strings.Repeat("and why is that? ", 50))
	answer(`e.textContent.includes("and why")`)
	b.say("@Robot stop")
	answer(`e.textContent.endsWith("… (stopped)") && !e.textContent.includes("parrot")`)
	b.Shows("#log .said", all) // is not touched
}

// startChat runs the chat on an emulator and returns its URL.
func startChat(t *testing.T, emu *emulator.TestServer) string {
	t.Helper()
	out, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- app.Run(ctx, []string{"-addr", "127.0.0.1:0"}, func(name string) string {
			if name == "WEBPUBSUB_CONNECTION_STRING" {
				return emu.ConnectionString
			}
			return ""
		}, stdout, app.Replica{})
		_ = stdout.Close()
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	url := printed(t, out, "Chat at ")
	require.NoError(t, emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.AtURL(url + "/eventhandler/{hub}/{event}")}}))
	return url
}

// startAgent runs the agent and waits until it is in the lobby.
func startAgent(t *testing.T, emu *emulator.TestServer, url string) {
	t.Helper()
	cmd := agent.Command(t, "-url", url)
	cmd.Env = append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING="+emu.ConnectionString)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		assert.NoError(t, cmd.Wait())
	})
	printed(t, out, "in lobby as ")
}

// printed waits for a line with a text and returns the word after it. It goes on
// reading, so that the program can print more.
func printed(t *testing.T, out io.Reader, text string) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), text); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			word, _, _ := strings.Cut(after, " ")
			return word
		}
	}
	require.Fail(t, "the program ended before it printed "+text)
	return ""
}
