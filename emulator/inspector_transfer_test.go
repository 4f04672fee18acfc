package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
)

// A message for many clients is exported once, as it is kept: an emulator with the same
// limits can import the lines.
func TestInspectorExportsSharedFrames(t *testing.T) {
	t.Parallel()
	const members, limit = 60, 1 << 20
	cfg := func() emulator.Config { return emulator.Config{Inspector: &emulator.Inspector{MaxBytes: limit}} }
	i := newInspection(t, cfg())
	s, _ := i.stream("")
	for range members {
		i.connect(&emulator.ClientOptions{Groups: []string{"all"}}, reliableJSON, nil).conn.SetReadLimit(-1)
	}
	text := strings.Repeat("x", 40_000)
	status, answer := i.act("send", `{"hub":"chat","target":{"group":"all"},"type":"text","text":"`+text+`"}`)
	require.Equal(t, http.StatusOK, status, answer)
	for range members {
		s.find(func(r *inspect.Record) bool { return r.SequenceID == 1 })
	}
	i.act("pause", `{"paused":true}`)
	_, lines := i.get("export")
	require.Less(t, len(lines), limit)

	other := newInspection(t, cfg())
	status, body, _ := other.do(other.request(http.MethodPost, "import", lines))
	require.Equal(t, http.StatusOK, status, body)
	var size [2]struct{ Records, Bytes int }
	for n, of := range []*inspection{i, other} {
		_, hello := of.stream("")
		require.NoError(t, json.Unmarshal([]byte(hello), &size[n]))
	}
	assert.Equal(t, size[0], size[1])
	_, again := other.get("export")
	assert.Equal(t, strings.Count(lines, "\n"), strings.Count(again, "\n"))
	seen, _ := other.stream("")
	for range members {
		r := seen.find(func(r *inspect.Record) bool { return r.SequenceID == 1 })
		assert.Contains(t, r.Frame.Data.Text, text)
	}
}

// A client that reads an export slowly gets all of it.
func TestInspectorExportToClientThatReadsSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{Inspector: &emulator.Inspector{InsecureNonLoopback: true}}) // pipes have no address
		_, token, _ := strings.Cut(r.server.InspectorURL(""), "#token=")
		p := &page{r, token}
		imported := p.request(http.MethodPost, "import", strings.Repeat(`{"kind":"group.joined","group":{"name":"`+strings.Repeat("g", 8000)+`"}}`+"\n", 200))
		require.Equal(t, http.StatusOK, imported.StatusCode)
		require.NoError(t, imported.Body.Close())
		resp := p.request(http.MethodGet, "export", "")
		defer resp.Body.Close()
		size := int64(0)
		for range 200 * 8000 / 128_000 {
			pass(10 * time.Second)
			n, err := io.CopyN(io.Discard, resp.Body, 128_000)
			require.NoError(t, err)
			size += n
		}
		rest, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		assert.Greater(t, size+rest, int64(200*8000))
	})
}

// A line that refers to another frame than the last one is no record.
func TestInspectorImportsNoUnknownFrames(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	status, body, _ := i.do(i.request(http.MethodPost, "import", strings.Join([]string{
		`{"n":4,"kind":"frame.out","sameFrame":3}`,
		`{"n":5,"kind":"frame.out","frame":{"data":{"bytes":1,"type":"text","text":"a"}}}`,
		`{"n":6,"kind":"frame.out","sameFrame":5}`,
		`{"n":7,"kind":"frame.out","sameFrame":6}`,
		`{"n":8,"kind":"group.joined","sameFrame":5,"group":{"name":"g"}}`,
	}, "\n")))
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"imported":2,"skipped":3}`, body)
}
