package connstr_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
)

const key = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="

// form is the end of errors about an invalid connection string.
const form = `want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it, or "webpubsub emulator" its own`

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, endpoint, host, key string }{
		"as the portal shows it":    {"Endpoint=https://Contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;", "https://Contoso.webpubsub.azure.com", "contoso.webpubsub.azure.com", key},
		"emulator with a port":      {"Endpoint=http://localhost;Port=8080;AccessKey=" + key + ";Version=1.0;", "http://localhost:8080", "localhost", key},
		"port replaces the URL's":   {"Endpoint=http://localhost:1;Port=8080;AccessKey=k", "http://localhost:8080", "localhost", "k"},
		"IPv6":                      {"Endpoint=http://[::1]:1;Port=8080;AccessKey=k", "http://[::1]:8080", "::1", "k"},
		"no scheme":                 {"Endpoint=contoso.webpubsub.azure.com;AccessKey=k", "https://contoso.webpubsub.azure.com", "contoso.webpubsub.azure.com", "k"},
		"any case, order and space": {" accesskey = k ; ; ENDPOINT = https://a.b/ ", "https://a.b", "a.b", "k"},
		"path without its last /":   {"Endpoint=https://proxy.test/base/path/;AccessKey=k", "https://proxy.test/base/path", "proxy.test", "k"},
		"unknown keys":              {"Endpoint=https://a.b;AuthType=azure.msi;Version=2.0", "https://a.b", "a.b", ""},
		"no key":                    {"Endpoint=https://a.b", "https://a.b", "a.b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := connstr.Parse(tc.in)
			require.NoError(t, err)
			assert.Equal(t, tc.endpoint, c.Endpoint.String())
			assert.Equal(t, tc.host, c.Host())
			assert.Equal(t, tc.key, c.AccessKey)
		})
	}
}

func TestParseErrorsNameTheRuleAndNoKey(t *testing.T) {
	t.Parallel()
	const empty = `connection string is empty, want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it, or "webpubsub emulator" its own`
	for in, want := range map[string]string{
		"":                                 empty,
		" \n":                              empty,
		key[:len(key)-1]:                   "connection string: part 1 has no =, " + form,
		"AccessKey=" + key:                 "connection string: Endpoint is missing, " + form,
		"Endpoint=;AccessKey=" + key:       "connection string: endpoint is empty",
		"Endpoint=https://a.b;AccessKey=":  "connection string: accesskey is empty",
		"Endpoint=https://a.b;Endpoint=c":  "connection string: endpoint is set twice",
		"Endpoint=https://a.b;Port=0":      `connection string: Port is not a number from 1 to 65535`,
		"Endpoint=https://a.b;Port=65536":  `connection string: Port is not a number from 1 to 65535`,
		"Endpoint=https://a.b;Port=" + key: `connection string: Port is not a number from 1 to 65535`,
		"Endpoint=ftp://a.b":               `connection string: endpoint has scheme "ftp", want http or https`,
		"Endpoint=https://:8080":           "connection string: endpoint has no host",
		"Endpoint=https://u:p@a.b":         "connection string: endpoint has user information, want none",
		"Endpoint=https://a.b?x=1":         "connection string: endpoint has a query or fragment, want none",
		"Endpoint=https://a.b?":            "connection string: endpoint has a query or fragment, want none",
		"Endpoint=https://a.b/#":           "connection string: endpoint has a query or fragment, want none",
		"Endpoint=https://a.b:99999":       `connection string: endpoint has port "99999", want a number from 1 to 65535`,
		"Endpoint=https://a b":             "connection string: endpoint is not a URL",
		"Endpoint=https://a.b\x00":         "connection string: endpoint is not a URL",
	} {
		_, err := connstr.Parse(in)
		require.EqualError(t, err, want, "%q", in)
	}
}

func TestConnectionStringPrintsNoKey(t *testing.T) {
	t.Parallel()
	c, err := connstr.Parse("Endpoint=https://a.b;AccessKey=" + key)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c)
	texts := []string{c.String(), fmt.Sprint(c), fmt.Sprint(&c), log.String()}
	for _, verb := range []string{"%+v", "%#v", "%s", "%q", "%d", "%t"} {
		texts = append(texts, fmt.Sprintf(verb, c), fmt.Sprintf(verb, struct{ C any }{c}))
	}
	for _, text := range texts {
		assert.NotContains(t, text, key)
		assert.Contains(t, text, "AccessKey=REDACTED")
	}
	again, err := connstr.Parse(connstr.ConnectionString{}.String() + "Endpoint=" + c.Endpoint.String())
	require.NoError(t, err)
	assert.Equal(t, c.Endpoint, again.Endpoint)
}

// FuzzParse checks that no error and no printed value contains the key.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"Endpoint=https://a.b;AccessKey=%s;Version=1.0;", "%s", "Endpoint=%s", "Endpoint=https://%s/;Port=%s", "AccessKey=%s;Endpoint=://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := connstr.Parse("AccessKey=" + key + ";" + s)
		if err != nil {
			require.NotContains(t, err.Error(), key)
			return
		}
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c, c), key)
		require.NotEmpty(t, c.Host())
	})
}
