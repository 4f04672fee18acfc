package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/httptest"
)

const (
	variable         = "WEBPUBSUB_CONNECTION_STRING"
	key              = "not a real key, only one for tests"
	connectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;"
)

// build builds the program.
func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "echo.exe")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}

// environment returns the environment of the test, without the variables of the
// program, and more.
func environment(more ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != variable && name != "PORT" {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

// start runs the program on a free port until the test ends. It returns its address.
func start(t *testing.T, program, connectionString string) (address string) {
	t.Helper()
	address = freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	var log bytes.Buffer
	run := exec.CommandContext(t.Context(), program) // killed with the test's context
	run.Env = environment("PORT="+port, variable+"="+connectionString)
	run.Stderr = &log
	require.NoError(t, run.Start())
	ended := make(chan struct{})
	go func() {
		_ = run.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		<-ended
		assert.NotContains(t, log.String(), key)
	})
	for {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, conn.Close())
			return address
		}
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		select {
		case <-ended:
			require.Fail(t, "the program ended by itself", "%s", &log)
		default:
			runtime.Gosched() // it does not listen yet
		}
	}
}

// freeAddress returns an unused address. Its port is below those that systems assign,
// so that no other test takes it.
func freeAddress(t *testing.T) (address string) {
	t.Helper()
	var config net.ListenConfig
	for range 100 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(10_000)))
		ln, err := config.Listen(t.Context(), "tcp", address)
		if err != nil {
			continue // somebody listens there
		}
		require.NoError(t, ln.Close())
		return address
	}
	require.Fail(t, "no port is free")
	return ""
}

func TestEcho(t *testing.T) {
	t.Parallel()
	program := build(t)
	t.Run("refuses to start", func(t *testing.T) { t.Parallel(); testRefusesToStart(t, program) })
	t.Run("serves", func(t *testing.T) {
		t.Parallel()
		testServes(t, "http://"+start(t, program, connectionString)+"/eventhandler")
	})
	t.Run("ends half-sent requests", func(t *testing.T) {
		t.Parallel()
		testHalfSentRequests(t, start(t, program, connectionString))
	})
}

func testRefusesToStart(t *testing.T, program string) {
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"not set":     {nil, `connection string is empty, want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it, or "webpubsub emulator" its own`},
		"empty":       {[]string{variable + "="}, "connection string is empty, want "},
		"misspelt":    {[]string{"WEBPUBSUB_CONNECTIONSTRING=" + connectionString}, "connection string is empty, want "},
		"key alone":   {[]string{variable + "=" + key}, "want Endpoint=…;AccessKey=…"},
		"without key": {[]string{variable + "=Endpoint=https://contoso.webpubsub.azure.com"}, "has no AccessKey"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		run := exec.CommandContext(ctx, program)
		run.Env = environment(append(tt.env, "PORT=0")...)
		output, err := run.CombinedOutput()
		cancel()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, name)
		assert.Equal(t, 1, exit.ExitCode(), name)
		assert.Contains(t, string(output), variable+": webpubsub: config: ConnectionStrings[0]", name)
		assert.Contains(t, string(output), tt.want, name)
		assert.NotContains(t, string(output), key, name)
		assert.NotContains(t, string(output), "listening", name)
	}
}

func testServes(t *testing.T, url string) {
	transport := &http.Transport{DisableKeepAlives: true}
	service := httptest.New(nil, &httptest.Options{URL: url, ConnectionString: connectionString, Transport: transport})
	ctx := t.Context()
	require.NoError(t, service.Validate(ctx))
	conn, err := service.Connect(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, conn.Connected(ctx))
	answer, err := conn.SendText(ctx, "message", "hello, 世界")
	require.NoError(t, err)
	assert.Equal(t, "hello, 世界", answer.Text())
	answer, err = conn.SendText(ctx, "sing", "la")
	require.NoError(t, err)
	assert.Nil(t, answer)
	var rejected *httptest.RejectedError
	_, err = conn.SendBinary(ctx, "message", []byte("hello"))
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, http.StatusUnsupportedMediaType, rejected.Status)
	require.NoError(t, conn.Disconnect(ctx, "bye"))

	// A signature with the key of the emulator is refused.
	stranger := httptest.New(nil, &httptest.Options{URL: url, Origins: []string{"contoso.webpubsub.azure.com"}, Transport: transport})
	_, err = stranger.Connect(ctx, &httptest.Client{UserID: "admin"})
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, http.StatusUnauthorized, rejected.Status)
}

// The server closes connections with an incomplete request.
func testHalfSentRequests(t *testing.T, address string) {
	conns := make([]net.Conn, 20)
	for i := range conns {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "POST /eventhandler HTTP/1.1\r\nHost: app.test\r\nX-Slow: ")
		require.NoError(t, err)
		conns[i] = conn
	}
	for _, conn := range conns {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err := io.ReadAll(conn)
		if !errors.Is(err, syscall.ECONNRESET) {
			require.NoError(t, err, "the server has not closed the connection")
		}
	}
}
