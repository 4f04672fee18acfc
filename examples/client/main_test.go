package main_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	client "github.com/go-webpubsub/webpubsub/examples/client"
)

func TestTwoTerminalsAndAPage(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ann := open(t, chat.url, "-name", "Ann")
	ann.enters("lobby", "nobody else")
	eve := openPage(t, chat.url, "Eve")
	ann.sees("* Eve has joined.")
	ben := open(t, chat.url, "-name", "Ben")
	ben.enters("lobby", "Ann, Eve")
	ann.sees("* Ben has joined.")

	ann.types("hello, 世界 👩‍🚀")
	ben.sees("Ann: hello, 世界 👩‍🚀")
	eve.hears("Ann", "hello, 世界 👩‍🚀")
	ben.types("  hello Ann  ")
	ann.sees("Ben: hello Ann")
	eve.hears("Ben", "hello Ann")
	eve.raise("say", m{"room": "lobby", "text": "hi you two"})
	ann.sees("Eve: hi you two")
	ben.sees("Eve: hi you two")

	late := open(t, chat.url, "-name", "Late")
	for _, line := range []string{"Ann: hello, 世界 👩‍🚀", "Ben: hello Ann", "Eve: hi you two"} {
		late.sees(line)
	}
	late.enters("lobby", "Ann, Ben, Eve")

	ann.types("/nick Anna")
	ann.sees("* You are Anna now.")
	ben.sees("* Ann is Anna now.")
	eve.raise("rename", m{"nickname": "Eva"})
	ann.sees("* Eve is Eva now.")
	ben.types("/quit")
	require.NoError(t, ben.ends())
	ann.sees("* Ben has left.")
	require.NoError(t, ann.stdin.Close())
	require.NoError(t, ann.ends())
	late.sees("* Anna has left.")
	late.stop()
	require.NoError(t, late.ends())
	assert.NotContains(t, strings.Join(ann.all, "\n"), "Ann: hello", "her own messages are not printed again")
}

func TestRooms(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ann := open(t, chat.url, "-name", "Ann")
	ann.enters("lobby", "nobody else")
	ben := open(t, chat.url, "-name", "Ben", "-room", "go")
	ben.enters("go", "nobody else")
	ben.types("who is here?", "/nick Benno")
	ben.sees("* You are Benno now.") // the message was sent before

	ann.types("/join go", "I am")
	ann.sees("Ben: who is here?")
	ann.enters("go", "Benno")
	ben.sees("* Ann has joined.", "Ann: I am") // in any order
	ben.types("/leave")
	ben.enters("lobby", "nobody else")
	ann.sees("* Benno has left.")
	ann.types("all alone", "/leave")
	ann.enters("lobby", "Benno")
	ann.types("back")
	ben.sees("Ann: back") // she has left the other room before
	assert.NotContains(t, ben.all, "Ann: all alone", "he was not there")
	ben.types("/join go")
	ben.sees("Ann: all alone")
	ben.enters("go", "nobody else")
}

func TestRefused(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ben := open(t, chat.url, "-name", "Ben")
	ben.enters("lobby", "nobody else")
	ann := open(t, chat.url, "-name", "Ann", "-room", "cellar")
	ann.sees("! There is no such room.")
	ann.enters("lobby", "Ben")
	for _, tt := range []struct{ line, want string }{
		{"/join cellar", "! There is no such room."},
		{"/join", "! There is no such room."},
		{"/nick bEN", "! Somebody here has this nickname."},
		{"/nick", "! payload is not valid: nickname: required"},
		{strings.Repeat("ä", 1001), "! payload is not valid: text: max=1000"},
		{"/dance", "! /join <room>, /leave, /nick <name>, /quit; anything else is a message."},
	} {
		ann.types(tt.line)
		ann.sees(tt.want)
	}
	ann.types("", "still here")
	ben.sees("Ann: still here")
}

func TestNicknameInUse(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	open(t, chat.url, "-name", "Ann").enters("lobby", "nobody else")
	err := open(t, chat.url, "-name", "ann").ends()
	require.EqualError(t, err, "client: Start: credential: Somebody here has this nickname.")
}

// TestMessagesAreSanitized checks that messages cannot control the terminal or add
// lines.
func TestMessagesAreSanitized(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ann := open(t, chat.url, "-name", "Ann")
	ann.enters("lobby", "nobody else")
	eve := openPage(t, chat.url, "Eve")
	for _, tt := range []struct{ text, want string }{
		{"\x1b[2J\x1b]0;title\x07\x1b[31mred", "Eve: �[2J�]0;title��[31mred"},
		{"\u009b31m and \u009d", "Eve: �31m and �"},
		{"line\r\n* Ben has joined.\u2028end", "Eve: line  * Ben has joined. end"},
		{"back\b\b\b\x7f\x00", "Eve: back�����"},
		{"\u202egnp.exe \u2066x\u2069 \ufeff", "Eve: �gnp.exe �x� �"},
		{"tab\there", "Eve: tab here"},
	} {
		eve.raise("say", m{"room": "lobby", "text": tt.text})
		ann.sees(tt.want)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, text := range []string{"", "hello, 世界 👩‍🚀", "\x1b[2J", "\u009b", "\u202e", "\xff\xfe", "a\r\nb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := client.Sanitize(text)
		for _, r := range out {
			assert.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r), "%q in %q", r, out)
		}
		assert.Equal(t, out, client.Sanitize(out))
	})
}

func TestHelp(t *testing.T) {
	t.Parallel()
	run := program(t, "client", "--help")
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	require.NoError(t, run.Run())
	assert.Empty(t, stderr.String())
	for _, want := range []string{"/join <room>", "-url URL", `(default "http://127.0.0.1:3000")`, "-name nickname", "-room room", `(default "lobby")`} {
		assert.Contains(t, stdout.String(), want)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	nobody := freeAddress(t)
	chat := startChat(t)
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"no chat there", []string{"-url", "http://" + nobody}, 1, "client: Start: credential: no chat at http://" + nobody + "/login: dial tcp " + nobody + ": connect: connection refused\n"},
		{"another server", []string{"-url", chat.url + "/else"}, 1, "client: Start: credential: no chat at " + chat.url + "/else/login: it responded with 404 Not Found\n"},
		{"not a URL", []string{"-url", "127.0.0.1:3000"}, 1, "parse \"127.0.0.1:3000\": first path segment in URL cannot contain colon\n"},
		{"nickname that is refused", []string{"-url", chat.url, "-name", "\x1b"}, 1, "client: Start: credential: A nickname has 1 to 20 characters, all of which can be seen.\n"},
		{"end of the input", []string{"-url", chat.url, "-name", "Ann"}, 0, ""},
	} {
		run := program(t, "client", tt.args...)
		var stderr bytes.Buffer
		run.Stderr = &stderr
		_ = run.Run()
		assert.Equal(t, tt.code, run.ProcessState.ExitCode(), tt.name)
		assert.Equal(t, tt.stderr, stderr.String(), tt.name)
	}
}

func TestCtrlC(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ben := open(t, chat.url, "-name", "Ben")
	ben.enters("lobby", "nobody else")
	run := program(t, "client", "-url", chat.url, "-name", "Ann")
	stdin, err := run.StdinPipe() // stays open
	require.NoError(t, err)
	defer stdin.Close() //nolint:errcheck // nothing is written
	stdout, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	ben.sees("* Ann has joined.")
	// Ben may see her before she is connected. Without a connection she prints nothing.
	in := bufio.NewScanner(stdout)
	for in.Scan() && !strings.Contains(in.Text(), "You are in lobby, with Ben.") {
		continue
	}
	require.NoError(t, in.Err())
	require.NoError(t, run.Process.Signal(os.Interrupt))
	for in.Scan() {
		continue
	}
	var exit *exec.ExitError
	assert.NotErrorAs(t, run.Wait(), &exit)
	ben.sees("* Ann has left.")
}
