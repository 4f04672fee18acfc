package jsonscan_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

func TestUint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"0": 0, " 7 ": 7, "18446744073709551615": math.MaxUint64, "10": 10} {
		s := jsonscan.New(text)
		got := s.Uint()
		s.End()
		require.NoError(t, s.Err(), "%q", text)
		assert.Equal(t, want, got, "%q", text)
	}
	const rule = "want an integer from 0 to 18446744073709551615"
	for text, want := range map[string]string{
		"":    "text ends at offset 0: " + rule,
		"-1":  "offset 0: " + rule,
		"1.0": "offset 0: " + rule, "1e1": "offset 0: " + rule, "1E1": "offset 0: " + rule, "00": "offset 0: " + rule, "x": "offset 0: " + rule,
		`"1"`: "offset 0: " + rule, "18446744073709551616": "offset 0: " + rule, "99999999999999999999999": "offset 0: " + rule,
		"1 2": "offset 2: want nothing after the value",
	} {
		s := jsonscan.New(text)
		s.Uint()
		s.End()
		assert.EqualError(t, s.Err(), want, "%q", text)
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for _, want := range []bool{true, false} {
		s := jsonscan.New(strconv.FormatBool(want))
		assert.Equal(t, want, s.Bool())
		s.End()
		require.NoError(t, s.Err())
	}
	for _, text := range []string{"null", "1", "", "[]"} {
		s := jsonscan.New(text)
		assert.False(t, s.Bool())
		require.Error(t, s.Err(), "%q", text)
	}
	s := jsonscan.New("tru")
	s.Bool()
	assert.EqualError(t, s.Err(), "offset 0: want a value")
}

// FuzzRaw compares Raw and Unquote with encoding/json.
func FuzzRaw(f *testing.F) {
	for _, seed := range []string{`"a"`, ` "\ud83d\ude00\"" `, `[1, {"a": null}] `, `-0.5e+7`, "\"\xff\"", `"`, `"\"`, `tru`, `{"a":1`, "1E700"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := jsonscan.New(text)
		raw := s.Raw()
		s.End()
		if s.Err() != nil {
			return
		}
		want := decode(t, text)
		require.Equal(t, want, decode(t, raw))
		unquoted, ok := jsonscan.Unquote(raw)
		if _, isText := want.(string); !isText {
			require.False(t, ok)
			return
		}
		require.True(t, ok)
		require.Equal(t, want, unquoted)
	})
}

// decode does not convert numbers, since some do not fit a float64.
func decode(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}
