package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// page is a page of a list.
type page struct {
	Value []struct {
		ConnectionID string  `json:"connectionId"`
		UserID       *string `json:"userId"`
	}
	NextLink *string `json:"nextLink"`
}

func (w *world) get(t *testing.T, target string) page {
	t.Helper()
	got := w.do(t, "GET", target, sign(t, primary, target, time.Minute), "", http.NoBody, nil)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	var p page
	require.NoError(t, json.Unmarshal([]byte(got.body), &p))
	return p
}

// newList returns a world with seven members of the group g1, their ids, and the URL
// of the list.
func newList(t *testing.T) (w *world, ids []string, list string) {
	t.Helper()
	w = newWorld(t)
	ids = []string{w.ann.id, w.bob.id}
	for range 5 {
		ids = append(ids, w.connect(t, "", "g1").id)
	}
	slices.Sort(ids)
	return w, ids, w.emu.Endpoint + hubPath + "groups/g1/connections"
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	require.NoError(t, err)
	return u.Query().Get("continuationToken")
}

// TestPages follows the links of lists.
func TestPages(t *testing.T) {
	t.Parallel()
	w, ids, list := newList(t)
	tests := []struct {
		name, query string
		sizes       []int
	}{
		{"all", "", []int{7}},
		{"pages of 3", "&maxpagesize=3", []int{3, 3, 1}},
		{"pages that fit", "&maxpagesize=7", []int{7}},
		{"no more than 5", "&top=5", []int{5}},
		{"no more than 5, by 2", "&top=5&maxpagesize=2", []int{2, 2, 1}},
		{"no more than 4, by 2", "&top=4&maxpagesize=2", []int{2, 2}},
		{"no more than there are", "&top=2147483647&maxpagesize=200", []int{7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sizes []int
			var got []string
			for next := list + "?" + version + tt.query; next != ""; {
				p := w.get(t, next)
				sizes = append(sizes, len(p.Value))
				for _, m := range p.Value {
					got = append(got, m.ConnectionID)
				}
				if next = ""; p.NextLink != nil {
					next = *p.NextLink
					assert.Contains(t, next, list+"?"+version+"&continuationToken=")
				}
			}
			assert.Equal(t, tt.sizes, sizes)
			assert.Equal(t, ids[:len(got)], got)
		})
	}
	t.Run("users", func(t *testing.T) {
		t.Parallel()
		users := make(map[string]int)
		for _, m := range w.get(t, list+"?"+version).Value {
			if m.UserID != nil {
				users[*m.UserID]++
			}
		}
		assert.Equal(t, map[string]int{"ann": 1, "bob": 1}, users)
	})
	t.Run("tokens of another list", func(t *testing.T) {
		t.Parallel()
		link := *w.get(t, list+"?"+version+"&maxpagesize=1").NextLink
		token := tokenOf(t, link)
		data, err := base64.RawURLEncoding.DecodeString(token)
		require.NoError(t, err)
		other, _, otherList := newList(t)
		foreign := tokenOf(t, *other.get(t, otherList+"?"+version+"&maxpagesize=1").NextLink)
		for name, target := range map[string]string{
			"another group":    strings.Replace(link, "/groups/g1/", "/groups/g2/", 1),
			"another hub":      strings.Replace(link, "/hubs/chat/", "/hubs/other/", 1),
			"another emulator": strings.Replace(link, token, foreign, 1),
			"another id":       strings.Replace(link, token, base64.RawURLEncoding.EncodeToString(append(slices.Clone(data), 'x')), 1),
			"cut":              strings.Replace(link, token, base64.RawURLEncoding.EncodeToString(data[:31]), 1),
			"an id alone":      strings.Replace(link, token, ids[0], 1),
		} {
			got := w.do(t, "GET", target, sign(t, primary, target, time.Minute), "", http.NoBody, nil)
			t.Log(name)
			got.problem(t, "application/problem+json", "continuationToken", "Invalid continuationToken.")
		}
		again := w.get(t, strings.Replace(link, "/hubs/chat/", "/hubs/CHAT/", 1))
		assert.Equal(t, ids[1], again.Value[0].ConnectionID, "hubs ignore case")
	})
	t.Run("the last member of the page leaves", func(t *testing.T) {
		t.Parallel()
		w, ids, list := newList(t)
		first := w.get(t, list+"?"+version+"&maxpagesize=3")
		w.steps(t, call{"DELETE", "groups/g1/connections/" + first.Value[2].ConnectionID + "?" + version, "", "", 204})
		assert.Equal(t, ids[3], w.get(t, *first.NextLink).Value[0].ConnectionID)
	})
}
