package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// browserConnectBody is the body that the service sends for a browser with a token.
var browserConnectBody = `{"claims":{"aud":["https://demo.webpubsub.azure.com/client/hubs/rooms"],"iat":["1790000000"],"exp":["1790003600"],` +
	`"role":["webpubsub.sendToGroup.blue","webpubsub.joinLeaveGroup.blue"],"sub":["ada"],` +
	`"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier":["ada"]},` +
	`"query":{"access_token":["` + strings.Repeat("0123456789abcdef", 16) + `"],"tab":["3"]},` +
	`"headers":{"Host":["demo.webpubsub.azure.com"],"Connection":["keep-alive, Upgrade"],"Upgrade":["websocket"],` +
	`"User-Agent":["Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"],"Accept":["*/*"],` +
	`"Accept-Language":["de,en-GB;q=0.7,en;q=0.3"],"Accept-Encoding":["gzip, deflate, br"],"Origin":["https://rooms.example.org"],` +
	`"Sec-WebSocket-Version":["13"],"Sec-WebSocket-Extensions":["permessage-deflate"],"Sec-WebSocket-Key":["AAECAwQFBgcICQoLDA0ODw=="],` +
	`"Sec-WebSocket-Protocol":["json.webpubsub.azure.v1, json.reliable.webpubsub.azure.v1"],"Cache-Control":["no-cache"]},` +
	`"subprotocols":["json.webpubsub.azure.v1","json.reliable.webpubsub.azure.v1"],` +
	`"clientCertificates":[{"thumbprint":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"}]}`

// certificateText has the line ends that the service writes.
const certificateText = "-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n"

func connectBodyRequest(t *testing.T, body []byte) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	for name, v := range map[string]string{
		wire.HeaderVersion:       wire.Version,
		wire.HeaderSpecVersion:   wire.SpecVersion,
		wire.HeaderRequestOrigin: "demo.webpubsub.azure.com",
		wire.HeaderType:          wire.TypeConnect,
		wire.HeaderEventName:     wire.NameConnect,
		wire.HeaderHub:           "rooms",
		wire.HeaderConnectionID:  "c1",
		wire.HeaderID:            "0",
		wire.HeaderSource:        "/hubs/rooms/client/c1",
		wire.HeaderContentType:   wire.MediaJSON,
	} {
		r.Header.Set(name, v)
	}
	return r
}

// serveConnectBody passes a body to a handler. The event is nil if the function was not
// called.
func serveConnectBody(t *testing.T, body []byte) (got *webpubsub.ConnectEvent, answer *httptest.ResponseRecorder, log string) {
	t.Helper()
	var records bytes.Buffer
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Verifier:       webpubsub.InsecureSkipVerify{},
		AllowedOrigins: []string{"*"},
		Logger:         slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			got = ev
			return nil, nil
		},
	})
	require.NoError(t, err)
	answer = httptest.NewRecorder()
	h.ServeHTTP(answer, connectBodyRequest(t, body))
	return got, answer, records.String()
}

// connectContent has the fields of a connect event that its body sets.
type connectContent struct {
	Claims       webpubsub.Claims
	Query        url.Values
	Headers      webpubsub.Headers
	Subprotocols []string
	Certificates []webpubsub.ClientCertificate
	MQTT         *mqtt.Connect
}

func connectContentOf(ev *webpubsub.ConnectEvent) connectContent {
	return connectContent{ev.Claims, ev.Query, ev.Headers, ev.Subprotocols, ev.ClientCertificates, ev.MQTTConnect}
}

func TestConnectBody(t *testing.T) {
	t.Parallel()
	user := "ada"
	claims := func(name string, values ...string) connectContent {
		return connectContent{Claims: webpubsub.Claims{name: values}}
	}
	nested := func(start, end string) string {
		return `{"new":` + strings.Repeat(start, 1000) + strings.Repeat(end, 1000) + `}`
	}
	tests := []struct {
		name, body string
		want       connectContent
	}{
		{"UE 38 empty object", `{}`, connectContent{}},
		{"UE 39 several values in order", `{"claims":{"role":["b","a"],"sub":["x"]},"query":{"id":["2","1","2"]}}`, connectContent{
			Claims: webpubsub.Claims{"role": {"b", "a"}, "sub": {"x"}},
			Query:  url.Values{"id": {"2", "1", "2"}},
		}},
		{"UE 40 unknown member and certificate content", `{"new":{"a":[1]},"clientCertificates":[{"thumbprint":"AB","content":"` + strings.ReplaceAll(certificateText, "\r\n", `\r\n`) + `"}]}`, connectContent{
			Certificates: []webpubsub.ClientCertificate{{Thumbprint: "AB", Content: certificateText}},
		}},
		{"headers keep the case of their names", `{"headers":{"user-AGENT":["x"],"Host":["y"]}}`, connectContent{
			Headers: webpubsub.Headers{"user-AGENT": {"x"}, "Host": {"y"}},
		}},
		{"every member null", `{"claims":null,"query":null,"headers":null,"subprotocols":null,"clientCertificates":null,"mqtt":null}`, connectContent{}},
		{"every member empty", `{"claims":{},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]}`, connectContent{
			Claims: webpubsub.Claims{}, Query: url.Values{}, Headers: webpubsub.Headers{},
		}},
		{"claim null", `{"claims":{"a":null}}`, claims("a")},
		{"claim without values", `{"claims":{"a":[]}}`, claims("a")},
		{"value null", `{"claims":{"a":["x",null]}}`, claims("a", "x", "")},
		{"claim a lone string", `{"claims":{"a":"x"}}`, claims("a", "x")},
		{"query and header a lone string", `{"query":{"a":"x"},"headers":{"b":""}}`, connectContent{
			Query: url.Values{"a": {"x"}}, Headers: webpubsub.Headers{"b": {""}},
		}},
		{"empty names", `{"":1,"claims":{"":["x"]}}`, claims("", "x")},
		{"members in another order", `{"mqtt":null,"subprotocols":["p"],"query":{"q":["1"]},"claims":{"c":["2"]}}`, connectContent{
			Claims: webpubsub.Claims{"c": {"2"}}, Query: url.Values{"q": {"1"}}, Subprotocols: []string{"p"},
		}},
		{"several subprotocols", `{"subprotocols":["mqtt","json.webpubsub.azure.v1"]}`, connectContent{Subprotocols: []string{"mqtt", "json.webpubsub.azure.v1"}}},
		{"member names are compared with case", `{"Claims":{"a":["x"]},"clientcertificates":[{"thumbprint":"AB"}],"MQTT":{}}`, connectContent{}},
		{"member name with an escape", `{"\u0063laims":{"\u0061":["x"]}}`, claims("a", "x")},
		{"unknown members of all kinds", `{"a":"x\n","b":-0.5e+10,"c":true,"d":false,"e":null,"f":[1,[2],{}],"g":{"h":{"i":[]}},"j":0,"k":1E5,"l":10.25,"m":[],"claims":{"a":["x"]}}`, claims("a", "x")},
		{"unknown member repeated", `{"a":1,"a":2}`, connectContent{}},
		{"unknown member 1000 arrays deep", nested(`[`, `]`), connectContent{}},
		{"unknown member 1000 objects deep", `{"new":` + strings.Repeat(`{"a":`, 999) + `{}` + strings.Repeat(`}`, 999) + `}`, connectContent{}},
		{"white space wherever it may be", " \t\r\n{ \"claims\" : { \"a\" :\n[ \"x\" , \"y\" ] ,\"b\":\"z\" } , \"mqtt\" : null , \"new\" : [ 1 , { } ] } \n", connectContent{
			Claims: webpubsub.Claims{"a": {"x", "y"}, "b": {"z"}},
		}},
		{"all escapes", `{"claims":{"a":["\"\\\/\b\f\n\r\t","\u00e9\u20AC\u0000","plain"]}}`, claims("a", "\"\\/\b\f\n\r\t", "é€\x00", "plain")},
		{"surrogate pair", `{"claims":{"a":["<\ud83d\uDE00>"]}}`, claims("a", "<😀>")},
		{"surrogate halves", `{"claims":{"a":["\ud83d","\ude00x","\ud83d\ud83d\ude00","\ud83d\u0061","\ud83dA"]}}`, claims("a", "\uFFFD", "\uFFFDx", "\uFFFD😀", "\uFFFDa", "\uFFFDA")},
		{"bytes that are not UTF-8", "{\"claims\":{\"a\":[\"x\xff\xfe\xc3\",\"\xed\xa0\x80\",\"\\n\xff\"]}}", claims("a", "x\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD", "\n\uFFFD")},
		{"text that is not ASCII", `{"claims":{"名":["用户","é"]}}`, claims("名", "用户", "é")},
		{"certificates with unknown, null and missing members", `{"clientCertificates":[{"new":[{}],"thumbprint":null,"content":"y"},{"content":null,"thumbprint":"x"},{}]}`, connectContent{
			Certificates: []webpubsub.ClientCertificate{{Content: "y"}, {Thumbprint: "x"}, {}},
		}},
		{"MQTT", `{"mqtt": {"protocolVersion":5,"username":"ada","password":"AP8=","userProperties":[{"name":"b","value":"1"},{"name":"a","value":"2"},{"name":"b","value":"1"}]},"claims":{"a":["x"]}}`, connectContent{
			Claims: webpubsub.Claims{"a": {"x"}},
			MQTT: &mqtt.Connect{
				ProtocolVersion: mqtt.Version5,
				Username:        &user,
				Password:        mqtt.Password{0x00, 0xff},
				UserProperties:  []mqtt.UserProperty{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "b", Value: "1"}},
			},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, answer, _ := serveConnectBody(t, []byte(tt.body))
			require.Equal(t, http.StatusNoContent, answer.Code, answer.Body)
			require.NotNil(t, got)
			assert.Equal(t, tt.want, connectContentOf(got))
		})
	}
}

func TestConnectBodyRefused(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return `{"new":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	const (
		escapes = `want one of "\/bfnrtu after a backslash, and four hexadecimal digits after \u`
		bracket = "want a comma or the closing bracket"
		once    = "want each member once"
	)
	// The data in these bodies is SECRET.
	tests := []struct{ name, body, want string }{
		{"UE 41 not JSON", `nope`, "offset 0: want an object"},
		{"UE 41 empty", ``, "text ends at offset 0: want an object"},
		{"UE 41 null", `null`, "offset 0: want an object"},
		{"only space", " \n", "text ends at offset 2: want an object"},
		{"array", `[]`, "offset 0: want an object"},
		{"string", `"SECRET"`, "offset 0: want an object"},
		{"byte order mark", "\ufeff{}", "offset 0: want an object"},
		{"NUL", "\x00", "offset 0: want an object"},
		{"second value", `{} {}`, "offset 3: want nothing after the value"},
		{"bracket too many", `{}}`, "offset 2: want nothing after the value"},
		{"NUL at the end", "{}\x00", "offset 2: want nothing after the value"},

		{"cut after the brace", `{`, "text ends at offset 1: want a string"},
		{"cut in a name", `{"SECRET`, "text ends at offset 8: want the string's closing quote"},
		{"cut after a name", `{"SECRET"`, "text ends at offset 9: want a colon after the member's name"},
		{"cut after a colon", `{"SECRET":`, "text ends at offset 10: want a value"},
		{"cut after a value", `{"SECRET":1`, "text ends at offset 11: " + bracket},
		{"cut after a comma", `{"SECRET":1,`, "text ends at offset 12: want a string"},
		{"cut in a list", `{"claims":{"SECRET":["x"`, "text ends at offset 24: " + bracket},
		{"cut in an escape", `{"SECRET\`, "offset 8: " + escapes},
		{"cut in a literal", `{"SECRET":tru`, "offset 10: want a value"},

		{"comma before the brace", `{"a":1,}`, "offset 7: want a string"},
		{"comma before the bracket", `{"subprotocols":["SECRET",]}`, "offset 26: want a string"},
		{"two commas", `{"a":1,,"b":1}`, "offset 7: want a string"},
		{"no comma", `{"a":1 "b":1}`, "offset 7: " + bracket},
		{"wrong bracket", `{"a":[1}}`, "offset 7: " + bracket},
		{"no colon", `{"a" 1}`, "offset 5: want a colon after the member's name"},
		{"name without quotes", `{SECRET:1}`, "offset 1: want a string"},
		{"single quotes", `{'SECRET':1}`, "offset 1: want a string"},
		{"comment", `{/*SECRET*/}`, "offset 1: want a string"},

		{"claims a string", `{"claims":"SECRET"}`, "offset 10: want an object"},
		{"claims an array", `{"claims":["SECRET"]}`, "offset 10: want an object"},
		{"query a number", `{"query":1}`, "offset 9: want an object"},
		{"headers true", `{"headers":true}`, "offset 11: want an object"},
		{"claim a number", `{"claims":{"SECRET":1}}`, "offset 20: want an array"},
		{"claim an object", `{"claims":{"SECRET":{}}}`, "offset 20: want an array"},
		{"value a number", `{"claims":{"SECRET":["x",1]}}`, "offset 25: want a string"},
		{"value a list", `{"claims":{"SECRET":[["x"]]}}`, "offset 21: want a string"},
		{"null misspelt", `{"claims":nil}`, "offset 10: want a value"},
		{"null too long", `{"claims":nullx}`, "offset 14: " + bracket},
		{"subprotocols a string", `{"subprotocols":"SECRET"}`, "offset 16: want an array"},
		{"subprotocol a number", `{"subprotocols":[1]}`, "offset 17: want a string"},
		{"certificates an object", `{"clientCertificates":{}}`, "offset 22: want an array"},
		{"certificate null", `{"clientCertificates":[null]}`, "offset 23: want an object"},
		{"certificate a string", `{"clientCertificates":["SECRET"]}`, "offset 23: want an object"},
		{"thumbprint a number", `{"clientCertificates":[{"thumbprint":1}]}`, "offset 37: want a string"},
		{"content a list", `{"clientCertificates":[{"content":["SECRET"]}]}`, "offset 34: want a string"},

		{"claims repeated", `{"claims":{},"claims":{}}`, "offset 13: " + once},
		{"query repeated with null", `{"query":{"a":["SECRET"]},"query":null}`, "offset 26: " + once},
		{"headers repeated with an escape", `{"headers":{},"\u0068eaders":{}}`, "offset 14: " + once},
		{"subprotocols repeated", `{"subprotocols":[],"subprotocols":[]}`, "offset 19: " + once},
		{"certificates repeated", `{"clientCertificates":[],"clientCertificates":[]}`, "offset 25: " + once},
		{"mqtt repeated", `{"mqtt":null,"mqtt":null}`, "offset 13: " + once},
		{"claim repeated", `{"claims":{"SECRET":["a"],"x":[],"SECRET":["b"]}}`, "offset 33: " + once},
		{"query parameter repeated with an escape", `{"query":{"SECRET":["a"],"\u0053ECRET":["a"]}}`, "offset 25: " + once},
		{"header repeated", `{"headers":{"a":null,"a":null}}`, "offset 21: " + once},
		{"thumbprint repeated", `{"clientCertificates":[{"thumbprint":"SECRET","thumbprint":"b"}]}`, "offset 46: " + once},
		{"content repeated", `{"clientCertificates":[{"content":"SECRET","content":"b"}]}`, "offset 43: " + once},

		{"number with a zero before", `{"a":01}`, "offset 6: " + bracket},
		{"number with a plus", `{"a":+1}`, "offset 5: want a value"},
		{"number of a sign alone", `{"a":-}`, "offset 6: want a value"},
		{"number without a digit before the point", `{"a":.5}`, "offset 5: want a value"},
		{"number without a digit after the point", `{"a":1.}`, "offset 7: want a digit after the decimal point"},
		{"number without an exponent", `{"a":1e}`, "offset 7: want a digit in the exponent"},
		{"number with a sign for an exponent", `{"a":1E+}`, "offset 8: want a digit in the exponent"},
		{"hexadecimal number", `{"a":0x1}`, "offset 6: " + bracket},
		{"not a number", `{"a":NaN}`, "offset 5: want a value"},
		{"literal in capitals", `{"a":True}`, "offset 5: want a value"},

		{"control character", "{\"a\":\"SECRET\x1f\"}", "offset 12: want no control character in a string"},
		{"line end in a value", "{\"claims\":{\"a\":[\"SECRET\n\"]}}", "offset 23: want no control character in a string"},
		{"NUL in a name", "{\"SECRET\x00\":1}", "offset 8: want no control character in a string"},
		{"control character close to the end", "{\"\x1f\":1}", "offset 2: want no control character in a string"},
		{"cut in a hexadecimal escape", `{"SECRET\u123`, "offset 8: " + escapes},
		{"unknown escape", `{"a":"SECRET\x"}`, "offset 12: " + escapes},
		{"escaped single quote", `{"a":"SECRET\'"}`, "offset 12: " + escapes},
		{"three digits", `{"a":"\u123"}`, "offset 6: " + escapes},
		{"digit out of range", `{"a":"\u12g4"}`, "offset 6: " + escapes},
		{"capital escape", `{"a":"\U00e9"}`, "offset 6: " + escapes},
		{"bytes outside a string that are not UTF-8", "{\"a\":\xff}", "offset 5: want a value"},

		{"1001 arrays deep", deep(1001), "offset 1007: want at most 1000 levels of nesting"},
		{"1001 objects deep", `{"new":` + strings.Repeat(`{"":`, 1001), "offset 4007: want at most 1000 levels of nesting"},
		{"a million brackets", `{"new":` + strings.Repeat("[", 1_000_000), "offset 1007: want at most 1000 levels of nesting"},
		{"a million brackets in mqtt", `{"mqtt":` + strings.Repeat("[", 1_000_000), "offset 1008: want at most 1000 levels of nesting"},

		{"mqtt a string", `{"mqtt":"SECRET"}`, "offset 16: mqtt has the wrong type"},
		{"mqtt not JSON", `{"mqtt":{"username":SECRET}}`, "offset 20: want a value"},
		{"protocol version not an integer", `{"mqtt":{"protocolVersion":4.0625}}`, "offset 33: mqtt.protocolVersion has the wrong type"},
		{"password not base64", `{"mqtt":{"protocolVersion":4,"password":"SECRET!"}}`, "offset 8: mqtt: password is not base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := webpubsub.DecodeConnectBody([]byte(tt.body))
			var decode *webpubsub.DecodeError
			require.ErrorAs(t, err, &decode)
			assert.Equal(t, "body of the connect event", decode.What)
			assert.EqualError(t, decode.Err, tt.want)

			got, answer, log := serveConnectBody(t, []byte(tt.body))
			assert.Nil(t, got, "the function was called")
			assert.Equal(t, http.StatusBadRequest, answer.Code)
			assert.NotContains(t, answer.Body.String(), "SECRET")
			assert.NotContains(t, log, "SECRET")
			assert.NotEmpty(t, log)
		})
	}
}

// The decoder does not recurse into refused nesting, which would overflow the stack.
func TestConnectBodyStackIsBounded(t *testing.T) {
	t.Parallel()
	body := append([]byte(`{"new":`), bytes.Repeat([]byte("["), 16<<20)...)
	_, err := webpubsub.DecodeConnectBody(body)
	var decode *webpubsub.DecodeError
	require.ErrorAs(t, err, &decode)
	assert.EqualError(t, decode.Err, "offset 1007: want at most 1000 levels of nesting")
}

// An append to one list does not change another, although all share a slice.
func TestConnectBodyListsAreClosed(t *testing.T) {
	t.Parallel()
	body := []byte(`{"claims":{"a":["1"],"b":["2"]},"query":{"c":["3"]},"subprotocols":["4"],"headers":{"d":["5"]}}`)
	ev, err := webpubsub.DecodeConnectBody(body)
	require.NoError(t, err)
	for _, list := range [][]string{ev.Claims["a"], ev.Claims["b"], ev.Query["c"], ev.Subprotocols, ev.Headers["d"]} {
		_ = append(list, "intruder")
	}
	clear(body)
	assert.Equal(t, connectContent{
		Claims:       webpubsub.Claims{"a": {"1"}, "b": {"2"}},
		Query:        url.Values{"c": {"3"}},
		Subprotocols: []string{"4"},
		Headers:      webpubsub.Headers{"d": {"5"}},
	}, connectContentOf(ev))
}

// The body has more lists and values than fit on the stack.
func TestConnectBodyOfUnusualSize(t *testing.T) {
	t.Parallel()
	want := connectJSON{Claims: map[string][]string{}, Headers: map[string][]string{}}
	for i := range 500 {
		name := fmt.Sprintf("name-%d", i)
		want.Claims[name] = []string{name, "x"}
		want.Headers[name] = []string{"y", name}
		want.Subprotocols = append(want.Subprotocols, name)
		want.ClientCertificates = append(want.ClientCertificates, upstream.ClientCertificate{Thumbprint: name})
	}
	body, err := json.Marshal(want)
	require.NoError(t, err)
	ev, err := webpubsub.DecodeConnectBody(body)
	require.NoError(t, err)
	assert.Equal(t, connectContentOfJSON(t, want), connectContentOf(ev))
}

// The decoder has the names of the members in its code; the encoder of
// internal/upstream has them in tags.
func TestConnectBodyHasTheNamesOfTheWire(t *testing.T) {
	t.Parallel()
	user, clean := "ada", true
	packet := mqtt.Connect{
		ProtocolVersion: mqtt.Version5, Username: &user, Password: mqtt.Password{0, 255}, CleanStart: &clean,
		UserProperties: []mqtt.UserProperty{{Name: "6", Value: "7"}},
	}
	body, err := upstream.ConnectRequest{
		Claims:             map[string][]string{"a": {"1"}},
		Query:              map[string][]string{"b": {"2"}},
		Headers:            map[string][]string{"c": {"3"}},
		Subprotocols:       []string{"4"},
		ClientCertificates: []upstream.ClientCertificate{{Thumbprint: "5", Content: certificateText}},
		MQTT:               (*upstream.MQTTConnect)(&packet),
	}.Encode()
	require.NoError(t, err)
	ev, err := webpubsub.DecodeConnectBody(body)
	require.NoError(t, err)
	assert.Equal(t, connectContent{
		Claims:       webpubsub.Claims{"a": {"1"}},
		Query:        url.Values{"b": {"2"}},
		Headers:      webpubsub.Headers{"c": {"3"}},
		Subprotocols: []string{"4"},
		Certificates: []webpubsub.ClientCertificate{{Thumbprint: "5", Content: certificateText}},
		MQTT:         &packet,
	}, connectContentOf(ev))
}

// One allocation for the event, the text, the values and the certificates each, and
// those of three maps.
//
//nolint:paralleltest // allocations of other tests would be counted
func TestConnectBodyAllocations(t *testing.T) {
	body := []byte(browserConnectBody)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := webpubsub.DecodeConnectBody(body); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 14.0)
}

func BenchmarkConnectBody(b *testing.B) {
	body := []byte(browserConnectBody)
	b.Run("decoder", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := webpubsub.DecodeConnectBody(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var in connectJSON
			if err := json.Unmarshal(body, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
}
