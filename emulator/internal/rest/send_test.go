package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (w *world) post(t *testing.T, contentType string, body io.Reader, header http.Header) answer {
	t.Helper()
	target := w.emu.Endpoint + hubPath + ":send?" + version
	return w.do(t, "POST", target, sign(t, primary, target, time.Minute), contentType, body, header)
}

// deep returns JSON nested so many levels deep.
func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	const (
		unknownType = "The Content-Type must be text/plain, application/json or application/octet-stream."
		unknownSet  = "The charset must be utf-8, us-ascii, iso-8859-1, utf-16, utf-16le or utf-16be."
		badSet      = "The request body is not valid in the charset of its Content-Type."
		badJSON     = "The request body is not a valid JSON."
	)
	tests := []struct {
		name, contentType, body string
		want                    string // dataType and data
		status                  int
		message                 string
	}{
		{"text", "text/plain", "hé", `"text","data":"hé"`, 202, ""},
		{"empty text", "text/plain", "", `"text","data":""`, 202, ""},
		{"case", "TEXT/Plain; Charset=UTF-8", "hi", `"text","data":"hi"`, 202, ""},
		{"UTF-8 with a byte order mark", "text/plain; charset=utf-8", "\xef\xbb\xbfhi", `"text","data":"hi"`, 202, ""},
		{"Latin 1", "text/plain; charset=iso-8859-1", "h\xe9", `"text","data":"hé"`, 202, ""},
		{"ASCII", "text/plain; charset=us-ascii", "hi", `"text","data":"hi"`, 202, ""},
		{"UTF-16 with a byte order mark", "text/plain; charset=utf-16", "\xfe\xff\x00h\x00i", `"text","data":"hi"`, 202, ""},
		{"UTF-16, little end first", "text/plain; charset=utf-16le", "\x3d\xd8\x00\xde", `"text","data":"😀"`, 202, ""},
		{"UTF-16, big end first", "text/plain; charset=utf-16be", "\xd8\x3d\xde\x00", `"text","data":"😀"`, 202, ""},
		{"JSON", "application/json", ` [1, "a"] `, `"json","data": [1, "a"] `, 202, ""},
		{"JSON in UTF-16", "application/json; charset=utf-16", "\xff\xfe1\x00", `"json","data":1`, 202, ""},
		{"no media type", "", "\x01", `"binary","data":"AQ=="`, 202, ""},
		{"binary with charset", "application/octet-stream; charset=x", "\xff", `"binary","data":"/w=="`, 202, ""},
		{"JSON that is none", "application/json", `{"a":}`, "", 400, badJSON},
		{"JSON of 1000 levels", "application/json", deep(1000), `"json","data":` + deep(1000), 202, ""},
		{"JSON of 1001 levels", "application/json", deep(1001), "", 400, "The JSON of the request body is nested more than 1000 levels deep."},
		{"empty JSON", "application/json", "", "", 400, badJSON},
		{"text that is not UTF-8", "text/plain", "\xff", "", 400, badSet},
		{"text that is not ASCII", "text/plain; charset=us-ascii", "é", "", 400, badSet},
		{"half of UTF-16", "text/plain; charset=utf-16", "\x3d\xd8\x00", "", 400, badSet},
		{"half of a pair", "text/plain; charset=utf-16le", "\x3d\xd8", "", 400, badSet},
		{"pair in the wrong order", "text/plain; charset=utf-16le", "\x00\xde\x3d\xd8", "", 400, badSet},
		{"unknown charset", "text/plain; charset=koi8-r", "x", "", 415, unknownSet},
		{"other type", "application/xml", "x", "", 415, unknownType},
		{"malformed type", "text/plain; charset", "x", "", 415, "The Content-Type is malformed."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.post(t, tt.contentType, strings.NewReader(tt.body), nil)
			require.Equal(t, tt.status, got.status, "%s", got.body)
			if tt.status == http.StatusAccepted {
				w.ann.gets(t, `{"type":"message","from":"server","dataType":`+tt.want+`}`)
				return
			}
			if tt.status == http.StatusBadRequest {
				got.problem(t, "application/problem+json", "Request", tt.message)
			} else {
				assert.Equal(t, "Error.UnsupportedMediaType", got.failure(t, tt.message, "Request"))
			}
			w.ann.nothing(t)
		})
	}
	for contentType, message := range map[string]string{
		"text/xml":                            "The Content-Type is not application/json.",
		"application/json; charset=\"":        "The Content-Type is not application/json.",
		"application/json; charset=iso-2022-": unknownSet,
	} {
		t.Run("groups in "+contentType, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.steps(t, call{"POST", ":addToGroups?" + version, contentType, `{"groups":["g9"]}`, 415})
			assert.Equal(t, "Error.UnsupportedMediaType", got.failure(t, message, "Request"))
			w.steps(t, hasNot("groups/g9"))
		})
	}
	t.Run("groups in UTF-16", func(t *testing.T) {
		t.Parallel()
		body := "\xff\xfe"
		for _, b := range `{"groups":["g9"]}` {
			body += string(b) + "\x00"
		}
		newWorld(t).steps(t, call{"POST", ":addToGroups?" + version, "application/json; charset=utf-16", body, 200}, has("groups/g9"))
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ann.conn.SetReadLimit(2 << 20)
	full := strings.Repeat("a", 1<<20)
	assert.Equal(t, http.StatusAccepted, w.post(t, asText, strings.NewReader(full), nil).status)
	assert.Len(t, w.ann.next(t), len(fromServer)-2+1<<20)
	assert.Equal(t, http.StatusAccepted, w.post(t, asText, io.MultiReader(strings.NewReader("h"), strings.NewReader("i")), nil).status, "unknown length")
	w.ann.gets(t, fromServer)

	got := w.post(t, asText, strings.NewReader(full+"b"), nil)
	assert.Equal(t, http.StatusBadRequest, got.status)
	got.problem(t, "application/problem+json", "Request", "Invalid Content-Length header.")
	got = w.post(t, asText, io.MultiReader(strings.NewReader(full), strings.NewReader("b")), nil)
	assert.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	assert.Equal(t, "Error.RequestEntityTooLarge", got.failure(t, "The message exceeds 1 MiB.", "Request"))
	w.ann.nothing(t)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const prefix = "X-WebPubSub-Metadata-"
	many := http.Header{}
	for i := range 10 {
		many.Set(fmt.Sprint(prefix, i), strings.Repeat("v", 1000))
	}
	tests := []struct {
		name   string
		header http.Header
		status int
		want   string
	}{
		{"key without case", http.Header{prefix + "TraceID": {"v"}}, 202, `,"metadata":{"traceid":"v"}`},
		{"two", http.Header{"X-Webpubsub-Metadata-B": {"2"}, "X-Webpubsub-Metadata-A": {"1"}}, 202, `,"metadata":{"a":"1","b":"2"}`},
		{"last line", http.Header{"X-Webpubsub-Metadata-A": {"1", "2"}}, 202, `,"metadata":{"a":"2"}`},
		{"last of a list", http.Header{"X-Webpubsub-Metadata-A": {"1, 2 ,  3"}}, 202, `,"metadata":{"a":"3"}`},
		{"no key", http.Header{prefix: {"v"}}, 202, ``},
		{"value of 1024 bytes", http.Header{prefix + "a": {strings.Repeat("v", 1024)}}, 202, `,"metadata":{"a":"` + strings.Repeat("v", 1024) + `"}`},
		{"value of 1025 bytes", http.Header{prefix + "a": {strings.Repeat("v", 1025)}}, 400, ""},
		{"key of 257 bytes", http.Header{prefix + strings.Repeat("k", 257): {"v"}}, 400, ""},
		{"value that is not ASCII", http.Header{prefix + "a": {"é"}}, 400, ""},
		{"10,010 bytes", many, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.post(t, asText, strings.NewReader("hi"), tt.header)
			require.Equal(t, tt.status, got.status, "%s", got.body)
			if tt.status == http.StatusAccepted {
				w.ann.gets(t, strings.TrimSuffix(fromServer, "}")+tt.want+"}")
			} else {
				assert.Equal(t, "Error.BadRequest", got.header.Get("X-Ms-Error-Code"))
				w.ann.nothing(t)
			}
		})
	}
}
