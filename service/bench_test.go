//go:build unix

package service_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// accept answers every request with 202, in memory. It is a transport of
// net/http and of azcore.
type accept struct{}

func (accept) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{}, Body: http.NoBody, Request: req}, req.Body.Close()
}

// byHand is a send without this package: no checks, no retries, no error but the
// status.
func byHand(ctx context.Context, client *http.Client, endpoint, key, text string) error {
	target := endpoint + "/api/hubs/chat/groups/lobby/:send?api-version=2024-12-01"
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": target, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return &service.Error{StatusCode: resp.StatusCode}
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// byAzcore is byHand on a bare pipeline of azcore, without key and options: the
// minimum for a client on azcore.
func byAzcore(ctx context.Context, pl runtime.Pipeline, endpoint, text string) error {
	req, err := runtime.NewRequest(ctx, http.MethodPost, endpoint+"/api/hubs/chat/groups/lobby/:send?api-version=2024-12-01")
	if err != nil {
		return err
	}
	req.Raw().Header.Set("Accept", "application/json")
	if err := req.SetBody(streaming.NopCloser(strings.NewReader(text)), "text/plain"); err != nil {
		return err
	}
	resp, err := pl.Do(req)
	if err != nil {
		return err
	}
	runtime.Drain(resp)
	return nil
}

// BenchmarkSendToGroup sends 1 KiB of text to a group with this package and by hand,
// in memory (the cost of the package) and over loopback (the cost of a call).
func BenchmarkSendToGroup(b *testing.B) {
	text := strings.Repeat("x", 1024)
	loopback := newServer(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	for _, way := range []struct {
		name, endpoint string
		client         *http.Client
	}{
		{"memory", testEndpoint, &http.Client{Transport: accept{}}},
		{"loopback", loopback, &http.Client{Transport: new(http.Transport)}},
	} {
		opts := new(service.Options)
		opts.Transport = way.client
		c, err := service.NewClientFromConnectionString("Endpoint="+way.endpoint+";AccessKey="+testKey, testHub, opts)
		require.NoError(b, err)
		group := c.Group("lobby")
		pl := runtime.NewPipeline("bench", "v0.0.0", runtime.PipelineOptions{}, &policy.ClientOptions{Transport: way.client})

		hand := func() error { return byHand(b.Context(), way.client, way.endpoint, testKey, text) }
		bare := func() error { return byAzcore(b.Context(), pl, way.endpoint, text) }
		whole := func() error { return group.SendText(b.Context(), text, nil) }
		b.Run(way.name+"/hand", func(b *testing.B) { measure(b, hand) })
		b.Run(way.name+"/azcore unsigned", func(b *testing.B) { measure(b, bare) })
		b.Run(way.name+"/service", func(b *testing.B) { measure(b, whole) })
		b.Run(way.name+"/ratio", func(b *testing.B) { compare(b, whole, hand) })
	}
}

// TestSendAllocations: beyond a bare pipeline of azcore, a send and its token allocate
// at most two fifths of a send by hand. All three are measured here, since toolchains
// differ.
func TestSendAllocations(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	text := strings.Repeat("x", 1024)
	client := &http.Client{Transport: accept{}}
	opts := new(service.Options)
	opts.Transport = client
	group := keyClient(t, opts).Group("lobby")
	pl := runtime.NewPipeline("bench", "v0.0.0", runtime.PipelineOptions{}, &policy.ClientOptions{Transport: client})
	hand := testing.AllocsPerRun(200, func() {
		require.NoError(t, byHand(t.Context(), client, testEndpoint, testKey, text))
	})
	bare := testing.AllocsPerRun(200, func() {
		require.NoError(t, byAzcore(t.Context(), pl, testEndpoint, text))
	})
	whole := testing.AllocsPerRun(200, func() {
		require.NoError(t, group.SendText(t.Context(), text, nil))
	})
	require.Positive(t, bare)
	require.LessOrEqual(t, whole-bare, 0.4*hand, "by hand %v, azcore %v, service %v", hand, bare, whole)
}

// measure also reports the processor time, which does not depend on the other
// processes of the machine as the wall clock does.
func measure(b *testing.B, call func() error) {
	b.Helper()
	b.ReportAllocs()
	require.NoError(b, call()) // connected
	b.ResetTimer()
	before := processorTime(b)
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// compare reports how much more processor time one call takes than another. It
// alternates between them, so that other load affects both.
func compare(b *testing.B, call, other func() error) {
	b.Helper()
	var spent [2]time.Duration
	for b.Loop() {
		for i, f := range []func() error{call, other} {
			before := processorTime(b)
			for range 100 {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			spent[i] += processorTime(b) - before
		}
	}
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "times")
}

func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var use syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
