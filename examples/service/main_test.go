package main_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-webpubsub/webpubsub/emulator"
	main "github.com/go-webpubsub/webpubsub/examples/service"
)

var update = flag.Bool("update", false, "write testdata/output.txt anew")

const golden = "testdata/output.txt"

// TestMain fails the test binary if a goroutine of the tour is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// environ returns an environment with these variables only.
func environ(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// fixed replaces the parts of the output that differ between runs.
func fixed(output string) string {
	output = regexp.MustCompile(`\b[0-9a-f]{32}\b`).ReplaceAllString(output, "ID")
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(output, "127.0.0.1:PORT")
}

func TestTour(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, main.Run(t.Context(), environ(nil), &out))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(fixed(out.String())), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), fixed(out.String()))
	assert.NotContains(t, out.String(), "eyJ", "a token")
	assert.NotContains(t, out.String(), emulator.DefaultAccessKey)
}

// TestTourOfAService: with a connection string, the tour uses its service, without
// Entra ID.
func TestTourOfAService(t *testing.T) {
	t.Parallel()
	const key = "not a real key, only one for tests"
	emu := emulator.Start(t, emulator.Config{AccessKeys: []string{key}})
	var out bytes.Buffer
	require.NoError(t, main.Run(t.Context(), environ(map[string]string{"WEBPUBSUB_CONNECTION_STRING": emu.ConnectionString}), &out))
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	entra := "by Entra ID: is user nobody there? false\n"
	require.Contains(t, string(want), entra)
	assert.Equal(t, strings.Replace(string(want), entra, "", 1), fixed(out.String()))
	assert.Contains(t, out.String(), strings.Replace(emu.Endpoint, "http", "ws", 1)+"/client/hubs/tour")
	assert.NotContains(t, out.String(), key)
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, main.Run(cancelled, environ(nil), new(bytes.Buffer)), context.Canceled)
	})
	t.Run("connection string", func(t *testing.T) {
		t.Parallel()
		err := main.Run(t.Context(), environ(map[string]string{"WEBPUBSUB_CONNECTION_STRING": "Endpoint=https://a.example;AccessKey="}), new(bytes.Buffer))
		require.Error(t, err)
	})
}

// TestTourByEntraID authenticates as a managed identity, at a fake of the server of an
// Azure machine. It is not parallel because it changes the environment.
func TestTourByEntraID(t *testing.T) {
	var asked url.Values
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		// The credential caches tokens for the whole process, except those that expire
		// within five minutes: each run of the test requests its own.
		fmt.Fprintf(w, `{"access_token":"of the managed identity","expires_on":"%d","resource":"r","token_type":"Bearer"}`, time.Now().Add(4*time.Minute).Unix())
	}))
	defer identity.Close()
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
	t.Setenv("IDENTITY_ENDPOINT", identity.URL)
	t.Setenv("IDENTITY_HEADER", "secret")
	emu := emulator.Start(t, emulator.Config{TrustTokens: true})
	variables := map[string]string{"WEBPUBSUB_CONNECTION_STRING": emu.ConnectionString, "WEBPUBSUB_ENTRA": "true"}

	var out bytes.Buffer
	require.NoError(t, main.Run(t.Context(), environ(variables), &out))
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), fixed(out.String()))
	assert.Equal(t, "https://webpubsub.azure.com", asked.Get("resource"))

	t.Setenv("AZURE_TOKEN_CREDENTIALS", "nobody")
	require.ErrorContains(t, main.Run(t.Context(), environ(variables), new(bytes.Buffer)), "AZURE_TOKEN_CREDENTIALS")
}
