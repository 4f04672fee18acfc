package webpubsub_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// FuzzConnectBody compares the decoder with encoding/json: both accept the same
// bodies with the same content, after [documentedBody] has removed the intended
// differences.
func FuzzConnectBody(f *testing.F) {
	for _, seed := range connectBodySeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		ev, err := webpubsub.DecodeConnectBody(body)
		require.Equal(t, before, body, "the body was written to")
		if err != nil {
			var decode *webpubsub.DecodeError
			require.ErrorAs(t, err, &decode)
		}
		if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 1000 {
			return // perhaps nested too deep for the one and not for the other
		}
		want, ok := connectContentByJSON(t, body)
		if !ok {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, connectContentOf(ev))
	})
}

func connectBodySeeds() []string {
	seeds := []string{
		browserConnectBody,
		`{}`, `null`, `nope`, ``, `[]`, `{} {}`, ` { } `, `{"a":1,}`,
		`{"claims":null,"query":null,"headers":null,"subprotocols":null,"clientCertificates":null,"mqtt":null}`,
		`{"claims":{},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]}`,
		`{"claims":{"a":"x","b":["y",null],"c":null,"d":[]},"query":{"a":"x"},"headers":{"A":"x","a":["y"]}}`,
		`{"claims":{"a":["x"],"a":["y"]}}`, `{"claims":{"a":[]},"claims":{}}`, `{"Claims":{},"claims":{},"CLAIMS":1}`,
		`{"claims":{"\u0061":["x"],"a":["y"]}}`, `{"cl\u0061ims":{"a":["x"]}}`,
		`{"clientCertificates":[{"thumbprint":"AB","content":"-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n"}]}`,
		`{"clientCertificates":[{"Thumbprint":"AB","new":{"a":[1]},"thumbprint":null},{}]}`, `{"clientCertificates":[null]}`,
		`{"subprotocols":["mqtt"],"mqtt":{"protocolVersion":5,"username":"u","password":"AP8=","userProperties":[{"name":"a","value":"1"},{"name":"a","value":"1"}],"cleanStart":true}}`,
		`{"mqtt":{"protocolVersion":4,"username":null,"password":null,"userProperties":null}}`,
		`{"mqtt":{"password":"!"}}`, `{"mqtt":{"protocolVersion":1e2}}`, `{"mqtt":[]}`, `{"mqtt":{}}`,
		`{"claims":{"a":["\"\\\/\b\f\n\r\t\u00e9\u20AC"]}}`,
		`{"claims":{"a":["\ud83d\ude00","\ud83d","\ude00","\ud83d\ud83d\ude00","\ud83d\n","\uD83d\u"]}}`,
		"{\"claims\":{\"\xff\":[\"\xc3\x28\",\"\\n\xed\xa0\x80\",\"é\"]}}", "{\"a\":\"\x01\"}", "\ufeff{}",
		`{"a":-0.5e+10,"b":0,"c":10,"d":1E5,"e":true,"f":false,"g":"x","h":[1,[2,{"i":{}}]]}`,
		`{"a":01}`, `{"a":1.}`, `{"a":1e}`, `{"a":+1}`, `{"a":-}`, `{"a":tru}`, `{"a":nulls}`,
		`{"new":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`,
		`{"new":` + strings.Repeat(`{"a":`, 400) + `1` + strings.Repeat("}", 400) + `}`,
		`{"new":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`,
	}
	// The decoder reads strings eight bytes at a time: put each special byte, and its
	// neighbors, at every position of two rounds.
	for _, mark := range []string{`"`, `\n`, `\"`, `\u00e9`, "\x1f", "\x00", "\x7f", "\xa2", "é", "!", "#", "[", "]", " "} {
		for n := range 17 {
			seeds = append(seeds, `{"claims":{"a":["`+strings.Repeat("#", n)+mark+`!]["]}}`, `{"claims":{"a":["`+strings.Repeat("#", n)+mark)
		}
	}
	return seeds
}

// connectJSON is a connect body for encoding/json, apart from the decoder's types.
type connectJSON struct {
	Claims             map[string][]string          `json:"claims"`
	Query              map[string][]string          `json:"query"`
	Headers            map[string][]string          `json:"headers"`
	Subprotocols       []string                     `json:"subprotocols"`
	ClientCertificates []upstream.ClientCertificate `json:"clientCertificates"`
	MQTT               *struct {
		ProtocolVersion int                 `json:"protocolVersion"`
		Username        *string             `json:"username"`
		Password        *string             `json:"password"`
		UserProperties  []mqtt.UserProperty `json:"userProperties"`
		CleanStart      *bool               `json:"cleanStart"`
	} `json:"mqtt"`
}

// connectContentByJSON decodes a body with encoding/json, and reports whether it is
// valid.
func connectContentByJSON(t *testing.T, body []byte) (connectContent, bool) {
	t.Helper()
	documented, ok := documentedBody(t, body)
	if !ok {
		return connectContent{}, false
	}
	var in connectJSON
	if err := json.Unmarshal(documented, &in); err != nil {
		return connectContent{}, false
	}
	if in.MQTT != nil && in.MQTT.Password != nil {
		if _, err := base64.StdEncoding.DecodeString(*in.MQTT.Password); err != nil {
			return connectContent{}, false
		}
	}
	return connectContentOfJSON(t, in), true
}

// connectContentOfJSON returns the content that the decoder must return for a body. It
// does not distinguish null from an empty list.
func connectContentOfJSON(t *testing.T, in connectJSON) connectContent {
	t.Helper()
	for _, m := range []map[string][]string{in.Claims, in.Query, in.Headers} {
		for name, values := range m {
			if len(values) == 0 {
				m[name] = nil
			}
		}
	}
	want := connectContent{Claims: in.Claims, Query: in.Query, Headers: in.Headers}
	if len(in.Subprotocols) > 0 {
		want.Subprotocols = in.Subprotocols
	}
	for _, c := range in.ClientCertificates {
		want.Certificates = append(want.Certificates, webpubsub.ClientCertificate(c))
	}
	if in.MQTT == nil {
		return want
	}
	want.MQTT = &mqtt.Connect{
		ProtocolVersion: mqtt.Version(in.MQTT.ProtocolVersion),
		Username:        in.MQTT.Username,
		UserProperties:  in.MQTT.UserProperties,
		CleanStart:      in.MQTT.CleanStart,
	}
	if in.MQTT.Password != nil {
		password, err := base64.StdEncoding.DecodeString(*in.MQTT.Password)
		require.NoError(t, err)
		want.MQTT.Password = password
	}
	return want
}

// documentedBody rewrites a body so that encoding/json decodes it as the decoder does.
// The differences are:
//
//   - null for a body is refused
//   - names are compared with case: other spellings are unknown members
//   - a name that is repeated is refused
//   - a string in place of a list is a list of one
//   - null in place of a certificate is refused
func documentedBody(t *testing.T, body []byte) ([]byte, bool) {
	t.Helper()
	if !json.Valid(body) {
		return nil, false
	}
	all, ok := jsonMembers(t, body, "claims", "query", "headers", "subprotocols", "clientCertificates", "mqtt")
	if !ok {
		return nil, false
	}
	for _, name := range []string{"claims", "query", "headers"} {
		raw, ok := all[name]
		if !ok || string(raw) == "null" {
			continue
		}
		lists, ok := jsonMembers(t, raw)
		if !ok {
			return nil, false
		}
		for k, list := range lists {
			if list[0] == '"' {
				lists[k] = json.RawMessage("[" + string(list) + "]")
			}
		}
		all[name] = marshalRaw(t, lists)
	}
	if raw, ok := all["clientCertificates"]; ok && string(raw) != "null" {
		var certificates []json.RawMessage
		if json.Unmarshal(raw, &certificates) != nil {
			return nil, false
		}
		for i, c := range certificates {
			members, ok := jsonMembers(t, c, "thumbprint", "content")
			if !ok {
				return nil, false
			}
			certificates[i] = marshalRaw(t, members)
		}
		all["clientCertificates"] = marshalRaw(t, certificates)
	}
	return marshalRaw(t, all), true
}

// jsonMembers returns the members of an object with one of the names, or all without
// names. It reports false if raw is not an object or repeats one of them.
func jsonMembers(t *testing.T, raw []byte, names ...string) (map[string]json.RawMessage, bool) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // a float64 cannot hold every number that is JSON
	start, err := dec.Token()
	require.NoError(t, err)
	if start != json.Delim('{') {
		return nil, false
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		token, err := dec.Token()
		require.NoError(t, err)
		name, isString := token.(string)
		require.True(t, isString)
		var v json.RawMessage
		require.NoError(t, dec.Decode(&v))
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		if _, repeated := members[name]; repeated {
			return nil, false
		}
		members[name] = v
	}
	return members, true
}

func marshalRaw(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return raw
}
