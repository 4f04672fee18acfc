package jsonscan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

type name string

type inner struct {
	A string   `json:"a"`
	B *int     `json:"b,omitempty"`
	C []string `json:"c,omitzero"`
}

type every struct {
	Text    string             `json:"text"`
	Named   name               `json:"named"`
	Yes     bool               `json:"yes"`
	Int     int                `json:"int"`
	Int8    int8               `json:"int8"`
	Uint    uint               `json:"uint"`
	Uint16  uint16             `json:"uint16"`
	Float   float64            `json:"float"`
	Float32 float32            `json:"float32"`
	Inner   inner              `json:"inner"`
	Pointer *inner             `json:"pointer"`
	Twice   **string           `json:"twice"`
	List    []inner            `json:"list"`
	Lists   [][]int            `json:"lists"`
	Map     map[string]inner   `json:"map"`
	ByName  map[name][]float64 `json:"byName"`
	Ignored string             `json:"-"`
	Untagged,
	Kelvin string
	hidden string //nolint:unused // encoding/json ignores it
}

// compiled returns new values of types that have a decoder, and left those of types
// that are left to encoding/json.
func compiled() []any {
	return []any{new(every), new(inner), new(string), new([]int), new(map[string]string), new(*inner), new(bool), new(float32), new(int8)}
}

func left() []any {
	type recursive struct {
		Next *recursive `json:"next"`
	}
	type embedded struct{ inner }
	type quoted struct {
		N int `json:"n,string"`
	}
	twice := reflect.StructOf([]reflect.StructField{ // go vet refuses a type with the tags of these
		{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"n"`},
		{Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"n"`},
	})
	type strange struct {
		A string `json:"a-b"`
	}
	type anything struct{ Value any }
	type bytes struct{ Value []byte }
	type array struct{ Value [2]int }
	type raw struct{ Value json.RawMessage }
	type at struct{ Value time.Time }
	type number struct{ Value json.Number }
	type byTime struct{ Value map[time.Time]int }
	type byInt struct{ Value map[int]int }
	return []any{
		new(recursive), new(embedded), new(quoted), reflect.New(twice).Interface(), new(strange), new(anything), new(bytes),
		new(array), new(raw), new(at), new(number), new(byTime), new(byInt), new(any),
	}
}

var decoderSeeds = []string{
	`{"text":"a","named":"b","yes":true,"int":-1,"int8":127,"uint":1,"uint16":65535,"float":1e3,"float32":0.5}`,
	`{"inner":{"a":"x","b":3,"c":["y",null]},"pointer":{"b":null},"twice":"z","list":[{},{"a":"1"},null],"lists":[[1],[],null]}`,
	`{"map":{"k":{"a":"v"},"k":{"c":[]},"":null},"byName":{"n":[1,2.5]},"Untagged":"u","Kelvin":"k"}`,
	`{"text":"a","text":"b"}`, `{"TEXT":"a"}`, "{\"\u212aelvin\":\"k\"}", `{"untagged":"x"}`, `{"-":"x","Ignored":"y","hidden":"z"}`,
	`{"int8":128}`, `{"int":1.0}`, `{"uint":-1}`, `{"float32":1e39}`, `{"float":1e400}`, `{"yes":"true"}`, `{"text":1}`,
	`{"text":null,"yes":null,"int":null,"uint":null,"float":null,"inner":null,"pointer":null,"list":null,"map":null}`,
	`{"text":"\ud800\u0041\\","unknown":[{"a":1}]}`, "{\"text\":\"\xff\"}", `{"text":"a"} x`, `{"text":`, `null`, ` [1,2] `, `"a"`, `1`, `true`,
	`{"a":"1","b":2,"c":["3"]}`, `{"k":"v"}`, `{}`, `[]`, `[[]]`, ``,
}

// compare decodes text into two new values of a type, and expects of jsonscan what
// encoding/json does.
func compare(t *testing.T, text string, v any) {
	t.Helper()
	kind := reflect.TypeOf(v).Elem()
	got, want := reflect.New(kind).Interface(), reflect.New(kind).Interface()
	err, wantErr := jsonscan.Unmarshal([]byte(text), got), json.Unmarshal([]byte(text), want)
	require.Equal(t, wantErr == nil, err == nil, "%v from %q: %v, want %v", kind, text, err, wantErr)
	require.Equal(t, want, got, "%v from %q", kind, text)
	if wantErr != nil {
		require.Equal(t, wantErr, errors.Unwrap(err), "%v from %q", kind, text)
	}
}

func TestUnmarshalAsEncodingJSON(t *testing.T) {
	t.Parallel()
	unknown := make([]string, 100)
	for i := range unknown {
		unknown[i] = `"` + strings.Repeat("u", i+1) + `":[0]`
	}
	many := "{" + strings.Join(unknown, ",") + `,"text":"last"}`
	for _, text := range append(decoderSeeds, many, strings.Repeat("[", 2000)) {
		for _, v := range append(compiled(), left()...) {
			compare(t, text, v)
		}
	}
}

// A value that is not zero is left to encoding/json, which merges.
func TestUnmarshalMerges(t *testing.T) {
	t.Parallel()
	v := inner{A: "kept", C: []string{"replaced"}}
	require.NoError(t, jsonscan.Unmarshal([]byte(`{"c":["new"]}`), &v))
	assert.Equal(t, inner{A: "kept", C: []string{"new"}}, v)
}

// Strings of the value do not change with the text.
func TestUnmarshalCopies(t *testing.T) {
	t.Parallel()
	text := []byte(`{"a":"one","c":["two"]}`)
	var v inner
	require.NoError(t, jsonscan.Unmarshal(text, &v))
	clear(text)
	assert.Equal(t, inner{A: "one", C: []string{"two"}}, v)
}

// A string of a long text does not keep the text in memory.
func TestUnmarshalKeepsNoLongText(t *testing.T) { //nolint:paralleltest // measures the heap
	const n, long = 64, 1 << 20
	var before, after runtime.MemStats
	kept := make([]map[string]string, n)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		text := fmt.Appendf(nil, `{"k%d":"short"%s}`, i, strings.Repeat(" ", long))
		require.NoError(t, jsonscan.Unmarshal(text, &kept[i]))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(n*long/2))
	runtime.KeepAlive(kept)
}

func TestUnmarshalMisused(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, inner{}, (*inner)(nil)} {
		var misused *json.InvalidUnmarshalError
		require.ErrorAs(t, jsonscan.Unmarshal([]byte(`{}`), v), &misused)
	}
}

// Types with a decoder need no decoding by encoding/json, which allocates more.
func TestDecoderAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	text := []byte(`{"a":"one","b":1,"c":["two"]}`)
	ours := testing.AllocsPerRun(100, func() {
		var v inner
		require.NoError(t, jsonscan.Unmarshal(text, &v))
	})
	theirs := testing.AllocsPerRun(100, func() {
		var v inner
		require.NoError(t, json.Unmarshal(text, &v))
	})
	assert.Less(t, ours, theirs)
}

// FuzzUnmarshal compares Unmarshal with encoding/json.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range decoderSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range compiled() {
			compare(t, text, v)
		}
	})
}
