package main_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	auth "github.com/go-webpubsub/webpubsub/examples/auth"
)

func write(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// start runs the program and returns its address. stop waits for its end.
func start(t *testing.T, environment map[string]string, args ...string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := auth.Run(ctx, args, func(k string) string { return environment[k] }, stdout)
		_ = stdout.CloseWithError(fmt.Errorf("run has ended: %w", err))
		done <- err
	}()
	printed := bufio.NewReader(out)
	line, err := printed.ReadString('\n')
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, printed) }() // what it prints next must not make it wait
	url = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "event handler:")), "/eventhandler")
	return url, func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// TestRun starts the program, signs a user in and checks the ticket with the key of
// the program.
func TestRun(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"WEBPUBSUB_CONNECTION_STRING": connectionString,
		"TICKET_KEY":                  strings.Repeat("01", 32),
	}
	args := []string{
		"-addr", "127.0.0.1:0",
		"-passwords", write(t, "passwords.json", `{"vic":"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}`),
		"-ca", write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newAuthority(t).cert.Raw}))),
	}
	url, stop := start(t, environment, args...)

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	login := func(password string) (status int, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/ticket", http.NoBody)
		require.NoError(t, err)
		r.SetBasicAuth("vic", password)
		res, err := client.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, strings.TrimSpace(string(data))
	}
	status, ticket := login("secret")
	require.Equal(t, http.StatusOK, status)
	user, ok := newTickets(t, 1).Check(ticket, time.Now())
	assert.True(t, ok)
	assert.Equal(t, "vic", user)
	status, _ = login("guess")
	assert.Equal(t, http.StatusUnauthorized, status)

	stop()
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		environment map[string]string
		args        []string
		want        string
	}{
		{"nothing to verify with", nil, nil, "set WEBPUBSUB_CONNECTION_STRING, or ENTRA_TENANT_ID and the variables with it"},
		{"tenant alone", map[string]string{"ENTRA_TENANT_ID": emulator.IdentityTenantID}, nil, "entra: config: Audiences is empty"},
		{"tenant forgotten", map[string]string{"WEBPUBSUB_CONNECTION_STRING": connectionString, "ENTRA_AUDIENCES": "api://chat"}, nil, "entra: config: TenantID is empty"},
		{"tokens without hosts", map[string]string{
			"ENTRA_TENANT_ID": emulator.IdentityTenantID, "ENTRA_AUDIENCES": "api://chat", "ENTRA_CALLER_OBJECT_IDS": emulator.IdentityObjectID,
		}, nil, "AllowedOrigins is required with this Verifier"},
		{"short ticket key", map[string]string{"TICKET_KEY": "0102"}, nil, "ticket key has 2 bytes, want 32 random bytes or more"},
		{"ticket key of letters", map[string]string{"TICKET_KEY": "letters"}, nil, "TICKET_KEY is not hexadecimal"},
		{"authorities without one", nil, []string{"-ca", write(t, "ca.pem", "nothing")}, "has no certificate in PEM form"},
		{"passwords that are none", nil, []string{"-passwords", write(t, "passwords.json", `{"vic":"secret"}`)},
			`entry of "vic" is not a name and a SHA-256 digest in hexadecimal`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			getenv := func(k string) string { return tc.environment[k] }
			err := auth.Run(t.Context(), append([]string{"-addr", "127.0.0.1:0"}, tc.args...), getenv, io.Discard)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}
