package webpubsub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-webpubsub/webpubsub"
)

func FuzzOrigins(f *testing.F) {
	for _, s := range [][2]string{
		{"a.com", "a.com"},
		{"https://A.com/c", "x.com, a.com"},
		{"b.com:8080", "b.com\nc.com"},
		{"a.com", "a.com.evil.tld"},
		{"a.com", strings.Repeat("b.com,", 16) + "a.com"},
		{"s.com", "\u017f.com"},
		{"*", " , "},
		{"[::1]", "::1"},
		{"Endpoint=https://a.com;AccessKey=x", "a.com"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, entry, header string) {
		p, err := webpubsub.NewAbuseProtection("one.test", entry)
		if err != nil {
			if p, err = webpubsub.NewAbuseProtection("one.test"); err != nil {
				t.Fatal(err)
			}
			entry = "one.test"
		}
		// The reference: the host of an entry is the entry without scheme, path and
		// port.
		host := entry
		if _, after, ok := strings.Cut(host, "://"); ok {
			host = after
		}
		host, _, _ = strings.Cut(host, "/")
		if end := strings.LastIndexByte(host, ':'); end >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:end]
		}
		host = lowerASCII(strings.Trim(host, "[]"))

		lines := strings.Split(header, "\n")
		want, seen := "", 0
		for element := range strings.SplitSeq(strings.Join(lines, ","), ",") {
			if element = strings.Trim(element, " \t"); element == "" {
				continue
			}
			seen++
			known := entry == "*" || lowerASCII(element) == "one.test" || lowerASCII(element) == host
			if p.Allows(element) != known {
				t.Fatalf("Allows(%q) is %v with %q allowed", element, !known, entry)
			}
			if known && want == "" && seen <= 16 {
				want = element
			}
		}
		r := httptest.NewRequest(http.MethodOptions, "/", nil)
		r.Header = http.Header{"Webhook-Request-Origin": lines, "Ce-Awpsversion": {"1.0"}}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		got := w.Header()["Webhook-Allowed-Origin"]
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%q got consent %q with %q allowed", lines, got, entry)
		case want != "" && entry == "*" && (len(got) != 1 || got[0] != "*"):
			t.Errorf("%q got consent %q, want *", lines, got)
		case want != "" && entry != "*" && (len(got) != 1 || got[0] != want):
			t.Errorf("%q got consent %q, want %q", lines, got, want)
		}
	})
}
