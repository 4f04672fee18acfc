package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
)

// page reads the inspector of a rig.
type page struct {
	*rig
	token string
}

func (p *page) request(method, path, body string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, base+"/inspector/"+path, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Inspector-Token", p.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	require.NoError(p.t, err)
	return resp
}

func (p *page) get(path string) string {
	p.t.Helper()
	resp := p.request(http.MethodGet, path, "")
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return string(data)
}

// remembering is an event handler whose answers have states with a secret.
func remembering(secret string) *script {
	inJSON, _ := json.Marshal(map[string]string{"a": secret})
	h := repeating(secret)
	for name, state := range map[string]string{
		"plainState": strings.ReplaceAll(secret, "\n", " "), "jsonState": base64.StdEncoding.EncodeToString(inJSON),
		"sealedState": base64.StdEncoding.EncodeToString([]byte("\x00" + secret + "\x01, and more")),
	} {
		h.on[name] = answer(http.StatusOK, "application/json", `{"a":`+string(inJSON)+`}`, "ce-connectionState", state, "Set-Cookie", "a="+secret)
	}
	delete(h.on, "connect")
	return h
}

// No secret reaches the page, whatever a client, a REST call or an event handler puts it
// into: not by the stream, the export, the tables, or as a command or a test.
func TestInspectorHidesSecrets(t *testing.T) {
	t.Parallel()
	const opaque = "s3cr3t-s3cr3t-s3cr3t-s3cr3t"
	for name, secret := range map[string]func(*rig) (text, secret string){
		"key":   func(*rig) (string, string) { return emulator.DefaultAccessKey, emulator.DefaultAccessKey },
		"token": func(r *rig) (string, string) { s := sign(r.t, "chat", jwt.MapClaims{"sub": "eve"}); return s, s },
		"reconnection token": func(r *rig) (string, string) {
			p := r.json(base+"/client/hubs/loud?access_token="+sign(r.t, "loud", nil), reliableJSON)
			s := p.greeting["reconnectionToken"].(string)
			return s, s
		},
		"signature": func(*rig) (string, string) { s := strings.Repeat("0123456789abcdef", 4); return "sha256=" + s, s },
		"connection string": func(*rig) (string, string) {
			return "Endpoint=https://a.example;AccessKey=" + opaque + ";Version=1.0;", opaque
		},
		"bearer": func(*rig) (string, string) { return "Bearer " + opaque, opaque },
		"URL":    func(*rig) (string, string) { return "https://a.example/?access_token=" + opaque + "&a=1", opaque },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{Inspector: &emulator.Inspector{InsecureNonLoopback: true}}) // pipes have no address
				text, hidden := secret(r)
				for _, name := range []string{"chat", "loud"} {
					require.NoError(t, r.server.SetHub(name, emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.InMemory(remembering(text))}}))
				}
				_, token, _ := strings.Cut(r.server.InspectorURL(""), "#token=")
				p := &page{r, token}
				stream := p.request(http.MethodGet, "records", "")
				streamed := make(chan string, 1)
				go func() {
					data, _ := io.ReadAll(stream.Body)
					streamed <- string(data)
				}()
				shown := p.collect(text)
				pass(time.Minute) // for the rest of the stream
				r.server.Close()
				shown["stream"] = <-streamed
				require.NoError(t, stream.Body.Close())
				for what, out := range shown {
					for i := 0; i+16 <= len(hidden); i += 16 { // no part of it
						lacks(t, what, strings.ToLower(out), strings.ToLower(hidden[i:i+16]))
					}
					for _, shifted := range []string{hidden, "x" + hidden, "xy" + hidden} { // nor in base64
						encoded := base64.StdEncoding.EncodeToString([]byte(shifted))
						lacks(t, what, out, encoded[4:len(encoded)-4])
					}
				}
				assert.Greater(t, strings.Count(shown["stream"], "(key)")+strings.Count(shown["stream"], "(token)"), 20)
				assert.NotContains(t, shown["stream"], "event: lost")
				sequenced := regexp.MustCompile(`"hub":"quiet",.*"sequenceId":[12],.*`).FindAllString(shown["export"], -1)
				assert.Len(t, sequenced, 8, "frames of reliable members")
				for _, line := range sequenced {
					assert.Regexp(t, `\((?:key|token)\)|"sameFrame":`, line)
				}
				assert.Greater(t, strings.Count(shown["copies"], "func Test"), 20)
			})
		})
	}
}

// lacks asserts that a text does not contain a secret, and shows the first place.
func lacks(t *testing.T, what, text, secret string) {
	t.Helper()
	if i := strings.Index(text, secret); i >= 0 {
		assert.Fail(t, "a secret in "+what, "…%s…", text[max(0, i-300):min(len(text), i+len(secret)+100)])
	}
}

var fresh = regexp.MustCompile(`-H 'Authorization: Bearer [^']*'`)

// collect puts a text everywhere and returns all that the page can get.
func (p *page) collect(text string) map[string]string {
	w := newWriter(p.rig, text)
	w.handshakes()
	w.frames()
	w.calls()
	w.states()
	w.publication()
	synctest.Wait()
	out := map[string]string{"export": p.get("export")}
	var tables, copies strings.Builder
	for _, table := range []string{"connections", "users", "groups"} {
		tables.WriteString(p.get("state?limit=500&table=" + table))
	}
	for line := range strings.Lines(out["export"]) {
		var r inspect.Record
		require.NoError(p.t, json.Unmarshal([]byte(line), &r))
		if r.Event == nil && r.REST == nil {
			continue
		}
		for _, as := range []string{"curl", "trigger", "gotest"} {
			// A token in a curl command is new, and by the public key.
			copies.WriteString(fresh.ReplaceAllString(p.get(fmt.Sprintf("records/%d/%s", r.N, as)), ""))
		}
		if r.Event != nil && r.Event.Request.Data.Redacted {
			resp := p.request(http.MethodPost, "actions/raise", fmt.Sprintf(`{"record":%d}`, r.N))
			assert.Contains(p.t, []int{http.StatusConflict, http.StatusBadRequest}, resp.StatusCode)
			_ = resp.Body.Close()
		}
	}
	out["tables"], out["copies"] = tables.String(), copies.String()
	return out
}

// publication sends a secret to a group, whose members' frames share it.
func (w *writer) publication() {
	url := base + "/client/hubs/quiet?access_token=" + sign(w.t, "quiet", jwt.MapClaims{"webpubsub.group": "all", "role": "webpubsub.sendToGroup"})
	var members []*peer
	read := func(frames int) {
		for range frames * len(members) {
			members = append(members[1:], members[0]) // in turns
			_, _, err := members[0].conn.Read(w.t.Context())
			require.NoError(w.t, err)
		}
	}
	for _, subprotocol := range []string{plainJSON, reliableProtobuf, reliableJSON} {
		for range 2 {
			p, _ := w.try(url, nil, subprotocol)
			require.NotNil(w.t, p)
			members = append(members, p)
		}
	}
	read(1) // the connected frames
	members[0].send(`{"type":"sendToGroup","group":"all","data":`+w.inJSON+`}`, `{"type":"sendToGroup","group":"all","dataType":"text","data":`+w.inJSON+`}`)
	read(2)
}

// states connects clients with a secret in their state and their headers.
func (w *writer) states() {
	for _, event := range []string{"plainState", "jsonState", "sealedState"} {
		p, _ := w.try(base+"/client/hubs/loud?access_token="+sign(w.t, "loud", nil), http.Header{"Cookie": {"a=" + w.text}, "Authorization": {"Basic " + w.text}}, reliableJSON)
		require.NotNil(w.t, p)
		p.next()
		binary := base64.StdEncoding.EncodeToString([]byte("\x00\xff " + w.text + " \xff, and more"))
		for range 2 {
			p.send(`{"type":"event","event":"`+event+`","dataType":"binary","data":"`+binary+`","ackId":1}`, `{"type":"event","event":"`+event+`","data":`+w.inJSON+`}`)
		}
		synctest.Wait()
	}
}
