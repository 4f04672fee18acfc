package frame_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// deep returns JSON with that many levels.
func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// TestDecodeDepth checks the limit of nesting, which equals that of outgoing
// messages.
func TestDecodeDepth(t *testing.T) {
	t.Parallel()
	message := func(levels int) string {
		return `{"sequenceId":7,"type":"message","from":"server","dataType":"json","data":` + deep(levels) + `}`
	}
	var f frame.Frame
	require.NoError(t, frame.JSONCodec{}.Decode([]byte(message(1000)), &f))
	assert.Equal(t, jsonOf(deep(1000)), f.Data)
	require.EqualError(t, frame.JSONCodec{}.Decode([]byte(message(1001)), &f), "offset 1074: want at most 1000 levels of nesting")
	assert.Equal(t, frame.Frame{Sequence: 7}, f)
}

// TestDecodeNumber checks that Decode finds the sequence id of an invalid frame,
// which has to be acknowledged.
func TestDecodeNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]uint64{
		`{"sequenceId":7,"data":` + deep(5000) + `}`:                                              7,
		`{"data":` + deep(5000) + `,"sequenceId" : 7 , "x":1}`:                                    7,
		`{"data":{"sequenceId":1,"x":` + deep(2000) + `},"sequenceId":7}`:                         7,
		`{"data":"\"sequenceId\":1","x":` + deep(2000) + `,"sequenceId":7}`:                       7,
		`{"type":"sequenceId","x":` + deep(2000) + `,"sequenceId":18446744073709551615}`:          math.MaxUint64,
		"{\"type\":\"\xff\",\"sequenceId\":7}":                                                    7,
		`{"sequenceId":7,"sequenceId":8,"type":"message"}`:                                        7,
		`{"sequenceId":7,"type":"message","from":"server","dataType":"text","data":"","data":""}`: 7,
		`{"sequenceId":7,"type":"message","from":"server","dataType":"json","data":nil}`:          7,
		`{"sequenceId":7,"type":"message","from":"server","dataType":"yaml","data":""}`:           7,
		`{"sequenceId":7`:   0, // cut in the number
		`{"sequenceId":7,`:  7,
		`{"sequenceId":`:    0,
		`{"sequenceId"`:     0,
		`{"sequenceId`:      0,
		`{"x":"\`:           0,
		`{"sequenceId":-1,`: 0, `{"sequenceId":1.5,`: 0, `{"sequenceId":1e3,`: 0, `{"sequenceId":"7",`: 0, `{"sequenceId":18446744073709551616,`: 0,
		`["sequenceId",7]`: 0, `{}{"sequenceId":7}`: 0, `"sequenceId":7,`: 0, `]]{{"sequenceId":7,`: 0, ``: 0,
	} {
		f := frame.Frame{Sequence: 99}
		require.Error(t, frame.JSONCodec{}.Decode([]byte(in), &f), "%.80s", in)
		assert.Equal(t, want, f.Sequence, "%.80s", in)
	}
}
