package httptest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestNewRequest(t *testing.T) {
	t.Parallel()
	svc := httptest.New(http.NotFoundHandler(), nil)
	state := ""
	req, err := svc.NewRequest(t.Context(), httptest.Event{
		Type:                 "azure.webpubsub.gp.left",
		Name:                 "left",
		ID:                   "9",
		Time:                 time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)),
		RequestID:            "r",
		ConnectionID:         "conn1",
		UserID:               "用户",
		Subprotocol:          "p",
		State:                &state,
		PhysicalConnectionID: "phys",
		SessionID:            "sess",
		Data:                 []byte(`{"group":"g"}`),
		Metadata:             map[string]string{"k": "v"},
		MQTTUserProperties:   []mqtt.UserProperty{{Name: "m", Value: "1"}, {Name: "m", Value: "2"}},
		Signature:            httptest.Signature{Keys: []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"}},
	})
	require.NoError(t, err)
	assert.Equal(t, http.Header{
		"Webhook-Request-Origin":  {"localhost"},
		"Content-Type":            {"application/json; charset=utf-8"},
		"Ce-Awpsversion":          {"1.0"},
		"Ce-Specversion":          {"1.0"},
		"Ce-Type":                 {"azure.webpubsub.gp.left"},
		"Ce-Source":               {"/hubs/chat/client/conn1/phys"},
		"Ce-Id":                   {"9"},
		"Ce-Time":                 {"2026-01-02T02:04:05Z"},
		"Ce-Signature":            {"sha256=8de7281e588e23b0a30a7180ffa240257b8176e983004c240c9f3f7a7233c993"},
		"Ce-Userid":               {"用户"},
		"Ce-Connectionid":         {"conn1"},
		"Ce-Hub":                  {"chat"},
		"Ce-Eventname":            {"left"},
		"Ce-Subprotocol":          {"p"},
		"Ce-Connectionstate":      {""},
		"Ce-Physicalconnectionid": {"phys"},
		"Ce-Sessionid":            {"sess"},
		"X-Ms-Client-Request-Id":  {"r"},
		"X-Webpubsub-Metadata-K":  {"v"},
		"Mqtt-M":                  {"1", "2"},
	}, req.Header)
	assert.Equal(t, http.MethodPost, req.Method)
	assert.EqualValues(t, 13, req.ContentLength)

	_, err = svc.NewRequest(t.Context(), httptest.Event{})
	require.Error(t, err)
}

func TestNewRequestDefaultIDs(t *testing.T) {
	t.Parallel()
	svc := httptest.New(http.NotFoundHandler(), nil)
	for typ, want := range map[string]string{
		"azure.webpubsub.sys.connect":      "0",
		"azure.webpubsub.sys.connected":    "1",
		"azure.webpubsub.sys.disconnected": "2",
		"":                                 "2",
	} {
		req, err := svc.NewRequest(t.Context(), httptest.Event{Type: typ, Name: "x"})
		require.NoError(t, err)
		assert.Equal(t, want, req.Header.Get("ce-id"), typ)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	const primary, secondary = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "testsecondarykey456"
	a, b := webpubsub.Sign(primary, "conn1"), webpubsub.Sign(secondary, "conn1")
	upper := func(s string) string { return "sha256=" + strings.ToUpper(s[len("sha256="):]) }
	tests := map[string]struct {
		signature httptest.Signature
		want      []string
		status    int
	}{
		"as the service":     {httptest.Signature{}, []string{a + "," + b}, 204},
		"secondary only":     {httptest.Signature{Keys: []string{secondary}}, []string{b}, 401},
		"none":               {httptest.Signature{Keys: []string{}}, nil, 401},
		"wrong key":          {httptest.Signature{Keys: []string{"k"}}, []string{webpubsub.Sign("k", "conn1")}, 401},
		"other connection":   {httptest.Signature{ConnectionID: "x", Keys: []string{primary}}, []string{webpubsub.Sign(primary, "x")}, 401},
		"upper case":         {httptest.Signature{UpperCase: true}, []string{upper(a) + "," + upper(b)}, 204},
		"spaced":             {httptest.Signature{Spaced: true}, []string{a + ", " + b}, 204},
		"lines":              {httptest.Signature{Lines: true}, []string{a, b}, 204},
		"wrong key and good": {httptest.Signature{Keys: []string{"k", primary}}, []string{webpubsub.Sign("k", "conn1") + "," + a}, 204},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := httptest.New(newHandler(t, fullConfig()), &httptest.Options{SecondaryKey: secondary})
			req, err := svc.NewRequest(t.Context(), httptest.Event{
				Type: "azure.webpubsub.sys.disconnected", Name: "disconnected", ConnectionID: "conn1", Data: []byte("{}"), Signature: test.signature,
			})
			require.NoError(t, err)
			assert.Equal(t, test.want, req.Header["Ce-Signature"])
			answer, err := svc.Do(req)
			require.NoError(t, err)
			assert.Equal(t, test.status, answer.Status)
			if test.status == 401 {
				assert.Zero(t, answer.BodyRead)
			} else {
				assert.EqualValues(t, 2, answer.BodyRead)
			}
		})
	}
}

func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil  func(*http.Request)
		status int
	}{
		"nothing broken":      {func(*http.Request) {}, 200},
		"no version":          {func(r *http.Request) { r.Header.Del("ce-awpsversion") }, 404},
		"empty id":            {func(r *http.Request) { r.Header.Set("ce-id", "") }, 400},
		"no lines":            {func(r *http.Request) { r.Header["Ce-Source"] = nil }, 400},
		"two types":           {func(r *http.Request) { r.Header.Add("ce-type", "azure.webpubsub.sys.connect") }, 400},
		"wrong media type":    {func(r *http.Request) { r.Header.Set("Content-Type", "application/xml") }, 415},
		"declared too long":   {func(r *http.Request) { r.ContentLength = 1 << 30 }, 413},
		"shorter than stated": {func(r *http.Request) { r.ContentLength = 100 }, 400},
		"without end": {func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 1<<30)), -1
		}, 413},
		"other method": {func(r *http.Request) { r.Method = http.MethodPut }, 405},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := httptest.New(newHandler(t, fullConfig()), &httptest.Options{Retry: true})
			req, err := svc.NewRequest(t.Context(), httptest.Event{Name: "message", ContentType: "text/plain", Data: []byte("hi")})
			require.NoError(t, err)
			test.spoil(req)
			answer, err := svc.Do(req)
			require.NoError(t, err)
			assert.Equal(t, test.status, answer.Status, string(answer.Body))
			assert.Less(t, answer.BodyRead, int64(2<<20))
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
