package service_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// members returns the members of a listing up to its error.
func members(list iter.Seq2[service.Member, error]) ([]service.Member, error) {
	var all []service.Member
	for m, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
	return all, nil
}

// pages answers one request after another with status 200.
func pages(bodies ...string) *fake {
	return &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
		return reply(200, []string{"Content-Type", "application/json"}, bodies[n-1]), nil
	}}
}

func urls(f *fake) []string {
	var all []string
	for _, got := range f.requests() {
		all = append(all, got.URL)
	}
	return all
}

const (
	listPath = "/api/hubs/chat/groups/g%201/connections"
	listURL  = testEndpoint + listPath
	onePage  = `{"value":[{"connectionId":"c1","userId":"u1"},{"connectionId":"c2"}]}`
)

func TestListOnePage(t *testing.T) {
	t.Parallel()
	f := pages(onePage, `{"value":[],"nextLink":null}`)
	list := keyClient(t, over(f)).Group("g 1").Connections(t.Context(), nil)
	assert.Empty(t, f.requests(), "asked before it was ranged over")
	got, err := members(list)
	require.NoError(t, err)
	assert.Equal(t, []service.Member{{ConnectionID: "c1", UserID: "u1"}, {ConnectionID: "c2"}}, got)
	got, err = members(list)
	require.NoError(t, err)
	assert.Empty(t, got)
	assert.Equal(t, []string{listURL + "?" + testVersion, listURL + "?" + testVersion}, urls(f))
}

// TestListNextLink: all known forms of links are followed, each request is signed for
// its own URL, and none goes to another host.
func TestListNextLink(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, link, url string }{
		{"specification: no version", testEndpoint + listPath + "?top=1000&maxpagesize=200&continuationToken=a%2Bb", listURL + "?" + testVersion + "&top=1000&maxpagesize=200&continuationToken=a%2Bb"},
		{"emulator: version", testEndpoint + listPath + "?api-version=2024-12-01&maxpagesize=2&continuationToken=t&top=1", listURL + "?api-version=2024-12-01&maxpagesize=2&continuationToken=t&top=1"},
		{"other version", testEndpoint + listPath + "?api-version=2099-01-01&continuationToken=t", listURL + "?api-version=2099-01-01&continuationToken=t"},
		{"host behind proxy", "http://10.0.0.1:5000" + listPath + "?continuationToken=t", listURL + "?" + testVersion + "&continuationToken=t"},
		{"foreign host and path", "https://evil.example/steal?continuationToken=t", listURL + "?" + testVersion + "&continuationToken=t"},
		{"relative", "?continuationToken=t", listURL + "?" + testVersion + "&continuationToken=t"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := pages(`{"value":[{"connectionId":"c1"}],"nextLink":"`+test.link+`"}`, `{"value":[{"connectionId":"c2"}],"nextLink":""}`)
			got, err := members(keyClient(t, over(f)).Group("g 1").Connections(t.Context(), nil))
			require.NoError(t, err)
			assert.Equal(t, []service.Member{{ConnectionID: "c1"}, {ConnectionID: "c2"}}, got)
			assert.Equal(t, []string{listURL + "?" + testVersion, test.url}, urls(f))
			assert.Equal(t, test.url, verify(t, f.requests()[1].bearer(t), testKey)["aud"])
		})
	}
}

func TestListNextLinkBehindProxy(t *testing.T) {
	t.Parallel()
	f := pages(`{"value":[],"nextLink":"`+testEndpoint+listPath+`?continuationToken=t"}`, onePage)
	opts := over(f)
	opts.ReverseProxy = "https://gw.example/p"
	_, err := members(keyClient(t, opts).Group("g 1").Connections(t.Context(), nil))
	require.NoError(t, err)
	got := f.requests()[1]
	assert.Equal(t, "https://gw.example/p"+listPath+"?"+testVersion+"&continuationToken=t", got.URL)
	assert.Equal(t, listURL+"?"+testVersion+"&continuationToken=t", verify(t, got.bearer(t), testKey)["aud"])
}

// TestListTop: the link of the service may repeat the first top.
func TestListTop(t *testing.T) {
	t.Parallel()
	next := `,"nextLink":"` + listURL + `?top=3&continuationToken=`
	f := pages(
		`{"value":[{"connectionId":"c1"},{"connectionId":"c2"}]`+next+`1"}`,
		`{"value":[{"connectionId":"c3"},{"connectionId":"c4"}]`+next+`2"}`,
	)
	got, err := members(keyClient(t, over(f)).Group("g 1").Connections(t.Context(), &service.ListOptions{PageSize: 2, Top: 3}))
	require.NoError(t, err)
	assert.Equal(t, []service.Member{{ConnectionID: "c1"}, {ConnectionID: "c2"}, {ConnectionID: "c3"}}, got)
	assert.Len(t, f.requests(), 2)
}

// TestListStops: no page is requested after the caller stops.
func TestListStops(t *testing.T) {
	t.Parallel()
	f := pages(`{"value":[{"connectionId":"c1"},{"connectionId":"c2"}],"nextLink":"?continuationToken=t"}`)
	for m, err := range keyClient(t, over(f)).Group("g 1").Connections(t.Context(), nil) {
		require.NoError(t, err)
		assert.Equal(t, "c1", m.ConnectionID)
		break
	}
	f.only(t)
}

func TestListFails(t *testing.T) {
	t.Parallel()
	const first = `{"value":[{"connectionId":"c1"}],"nextLink":"`
	beyond := int64(math.MaxInt32) + 1 // below zero where an int has 32 bits
	tests := []struct {
		name  string
		pages []string
		opts  service.ListOptions
		group string
		err   string
		got   int
	}{
		{"page size", nil, service.ListOptions{PageSize: 201}, "g", "PageSize is 201, want 1 to 200, or 0 for the service's default", 0},
		{"negative page size", nil, service.ListOptions{PageSize: -1}, "g", "PageSize is -1, want 1 to 200, or 0 for the service's default", 0},
		{"negative top", nil, service.ListOptions{Top: -1}, "g", "Top is -1, want 0 to 2147483647", 0},
		{"top", nil, service.ListOptions{Top: int(beyond)}, "g", fmt.Sprintf("Top is %d, want 0 to 2147483647", int(beyond)), 0},
		{"group", nil, service.ListOptions{}, "a/b", `group "a/b" has a slash, which does not arrive in a URL; AddToGroups, RemoveFromGroups and filters can name it`, 0},
		{"not JSON", []string{"<xml>"}, service.ListOptions{}, "g", "200 OK: invalid page of members", 0},
		{"not a page", []string{`[]`}, service.ListOptions{}, "g", "200 OK: invalid page of members", 0},
		{"too long", []string{`{"value":[` + strings.Repeat(" ", 8<<20) + `]}`}, service.ListOptions{}, "g", "200 OK: invalid page of members", 0},
		{"link is no URL", []string{first + `http://%zz"}`}, service.ListOptions{}, "g", "200 OK: nextLink is not a URL", 1},
		{"link with space", []string{first + `?a=b c"}`}, service.ListOptions{}, "g", "200 OK: nextLink is not a URL", 1},
		{"link to itself", []string{first + `?` + testVersion + `"}`}, service.ListOptions{}, "g", "200 OK: nextLink is the URL of the same page", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := pages(test.pages...)
			got, err := members(keyClient(t, over(f)).Group(test.group).Connections(t.Context(), &test.opts))
			require.EqualError(t, err, "service: ListConnectionsInGroup: "+test.err)
			assert.Len(t, got, test.got)
			assert.Len(t, f.requests(), len(test.pages))
		})
	}
}

// FuzzNextLink: for every link, the next request goes to the same listing, is signed
// for its own URL, has the API version and the rest of the query; or there is an error
// and no request.
func FuzzNextLink(f *testing.F) {
	for _, link := range []string{
		"", "?", "?a=b", testEndpoint + listPath + "?top=3&continuationToken=a%2Bb", "https://evil.example/steal?api-version=x&continuationToken=t#f",
		"//evil.example?x", "?API-VERSION=1", "?a=b;api-version=2", "?\u2028", "? ", "?%zz", "?api-version", "javascript:x?y", "http://%zz", "?" + testVersion,
		"?a\r\nHost: evil.example", "\x00?a", "?a=%00%0d%0a", "https://u:p@evil.example/?q", "?&", "?a=\"\\", "?continuationToken=" + strings.Repeat("t", 300),
	} {
		f.Add(link)
	}
	key, err := service.NewAccessKey(testKey)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, link string) {
		first, err := json.Marshal(map[string]any{"value": []any{map[string]any{"connectionId": "c1"}}, "nextLink": link})
		require.NoError(t, err)
		fake := pages(string(first), onePage)
		c, err := service.NewClientWithKey(testEndpoint, testHub, key, over(fake))
		require.NoError(t, err)
		got, err := members(c.Group("g 1").Connections(t.Context(), nil))
		seen := fake.requests()
		switch {
		case link == "":
			require.NoError(t, err)
			assert.Len(t, got, 1)
			assert.Len(t, seen, 1)
			return
		case err != nil:
			var failed *service.Error
			require.ErrorAs(t, err, &failed)
			assert.Contains(t, []string{"nextLink is not a URL", "nextLink is the URL of the same page"}, failed.Message)
			assert.Len(t, got, 1)
			assert.Len(t, seen, 1)
			return
		}
		assert.Len(t, got, 3)
		require.Len(t, seen, 2)
		next := seen[1]
		assert.Equal(t, "name.webpubsub.azure.com", next.Host)
		path, query, _ := strings.Cut(next.URL, "?")
		assert.Equal(t, listURL, path)
		assert.Equal(t, next.URL, verify(t, next.bearer(t), testKey)["aud"])
		values, err := url.ParseQuery(query)
		if err == nil {
			assert.True(t, values.Has("api-version"), query)
		}
		_, asked, _ := strings.Cut(link, "?")
		asked, _, _ = strings.Cut(asked, "#")
		trimmed := strings.TrimSuffix(asked, "&")
		assert.Contains(t, []string{asked, testVersion + "&" + trimmed, testVersion}, query)
	})
}
