package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func of(kind, room string, notices []chat.Notice) (out []chat.Notice) {
	for _, n := range notices {
		if n.Type == kind && n.Room == room {
			out = append(out, n)
		}
	}
	return out
}

func names(notices []chat.Notice) (out []string) {
	for _, n := range notices {
		out = append(out, n.Name)
	}
	slices.Sort(out)
	return out
}

func TestTwoPeopleInARoom(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := s.open("Ann")
	ann.raise("join", m{"room": "lobby"})
	ben := s.open("Ben")

	assert.Equal(t, "Ben", ann.hearOf("joined", ben.user).Name)
	room := ben.raise("join", m{"room": "lobby"})
	assert.Equal(t, "lobby", room.Room)
	assert.Equal(t, []string{"Ann", "Ben"}, names(of("joined", "lobby", room.Notices)))
	assert.Empty(t, of("said", "lobby", room.Notices))

	assert.Nil(t, ann.raise("say", say("lobby", "hello, 世界")))
	for _, p := range []*page{ann, ben} {
		said := p.hearOf("said", ann.user)
		assert.Equal(t, "hello, 世界", said.Text)
		assert.Equal(t, "Ann", said.Name)
		assert.Equal(t, "lobby", said.Room)
		assert.WithinDuration(t, time.Now(), said.At, time.Minute)
		assert.Equal(t, ann.connection, said.Connection)
	}

	ben.close()
	assert.Equal(t, "Ben", ann.hearOf("left", ben.user).Name)
	assert.Equal(t, []string{"Ann"}, names(of("joined", "lobby", ann.raise("join", m{"room": "lobby"}).Notices)))
	ann.hearOf("left", ben.user) // for the group that he has left, and for the connection that has ended
	assert.Equal(t, "Ben", s.admit("Ben", "Ben").Name, "he may come back")
}

func TestRoomsAreSeparate(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann, ben := s.open("Ann"), s.open("Ben")
	assert.Equal(t, []string{"Ann"}, names(of("joined", "go", ann.raise("join", m{"room": "go"}).Notices)))
	ann.raise("say", say("go", "only here"))
	ann.raise("say", say("lobby", "everywhere"))
	assert.Equal(t, "everywhere", ben.hearOf("said", ann.user).Text, "Ben is not in the other room")

	ben.raise("join", m{"room": "go"})
	assert.Equal(t, "go", ann.hear(func(n chat.Notice) bool { return n.Type == "joined" && n.Room == "go" && n.User == ben.user }).Room)
	ann.raise("leave", m{"room": "go"})
	assert.Equal(t, "go", ben.hear(func(n chat.Notice) bool { return n.Type == "left" && n.User == ann.user }).Room)
	assert.Equal(t, "You are not in this room.", ann.raise("say", say("go", "hello?")).Error.Message)
	assert.Equal(t, []string{"Ben"}, names(of("joined", "go", ben.raise("join", m{"room": "go"}).Notices)), "joining twice is fine")
}

func TestReloadRejoins(t *testing.T) {
	t.Parallel()
	s := start(t)
	ben := s.open("Ben")
	ann := s.open("Ann")
	ann.raise("join", m{"room": "music"})
	ann.raise("say", say("music", "la"))
	ann.close()
	assert.Equal(t, "Ann", ben.hearOf("left", ann.user).Name)

	again := s.open("Ann")
	assert.Equal(t, ann.user, again.user, "the secret is the same")
	assert.NotEqual(t, ann.connection, again.connection)
	assert.Equal(t, "Ann", ben.hear(func(n chat.Notice) bool { return n.Type == "joined" && n.Connection == again.connection }).Name)
	assert.Equal(t, "You are not in this room.", again.raise("say", say("music", "la")).Error.Message, "rooms are of a connection")
	room := again.raise("join", m{"room": "music"})
	said := of("said", "music", room.Notices)
	require.Len(t, said, 1)
	assert.Equal(t, "la", said[0].Text)
	assert.Equal(t, ann.user, said[0].User)
	assert.Nil(t, again.raise("say", say("music", "do re mi")))
}

func TestSecondTabOfAUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	first, second := s.open("Ann"), s.open("Ann")
	assert.Equal(t, first.user, second.user)
	assert.NotEqual(t, first.connection, second.connection)
	second.raise("say", say("lobby", "from the second"))
	assert.Equal(t, "from the second", first.hearOf("said", first.user).Text)

	first.raise("rename", m{"nickname": "Anna"})
	assert.Equal(t, "Anna", second.hearOf("renamed", first.user).Name)
	second.raise("rename", m{"nickname": "Anna"}) // as its page does when it hears of it
	first.close()
	assert.Equal(t, first.connection, second.hearOf("left", first.user).Connection)
	second.raise("say", say("lobby", "still here"))
	assert.Equal(t, "Anna", second.hear(func(n chat.Notice) bool { return n.Text == "still here" }).Name)
}

func TestRename(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann, ben := s.open("Ann"), s.open("Ben")
	assert.Equal(t, "Somebody here has this nickname.", ann.raise("rename", m{"nickname": "bEN"}).Error.Message)
	assert.Equal(t, "A nickname has 1 to 20 characters, all of which can be seen.", ann.raise("rename", m{"nickname": "A\u200bn"}).Error.Message)
	assert.Equal(t, "payload is not valid: nickname: required", ann.raise("rename", m{}).Error.Message)

	assert.Nil(t, ann.raise("rename", m{"nickname": "  Anna   Lena "}))
	assert.Equal(t, "Anna Lena", ben.hearOf("renamed", ann.user).Name)
	ann.raise("say", say("lobby", "new name"))
	assert.Equal(t, "Anna Lena", ben.hearOf("said", ann.user).Name)
	assert.Equal(t, []string{"Anna Lena", "Ben"}, names(of("joined", "lobby", ben.raise("join", m{"room": "lobby"}).Notices)))

	assert.Equal(t, "Ann", s.admit("Ann", "somebody else").Name, "the old name is free")
}

// TestRenameComesLate: an event arrives after the disconnected event. The service does
// not guarantee their order, and repeats failed events.
func TestRenameComesLate(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{}) // takes calls, and raises no events
	h, err := chat.NewHandler(emu.ConnectionString, key, io.Discard)
	require.NoError(t, err)
	svc := httptest.New(h, &httptest.Options{ConnectionString: emu.ConnectionString})
	connect := func(user, name string) (*httptest.Conn, error) {
		ticket := sign(t, jwt.SigningMethodHS256, key, chat.Person{User: user, Name: name}, time.Now().Add(time.Hour))
		return svc.Connect(t.Context(), &httptest.Client{Query: url.Values{"ticket": {ticket}}})
	}
	ann, err := connect("a", "Ann")
	require.NoError(t, err)
	state, _ := ann.State()
	require.NoError(t, ann.Disconnect(t.Context(), ""))
	late, err := svc.NewRequest(t.Context(), httptest.Event{
		Name: "rename", ConnectionID: ann.ID, UserID: "a", State: &state,
		ContentType: "application/json", Data: []byte(`{"nickname":"Anna"}`),
	})
	require.NoError(t, err)
	answered, err := svc.Do(late)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, answered.Status, "%s", answered.Body)
	_, err = connect("b", "Anna")
	require.NoError(t, err, "nobody here has the name")
	_, err = connect("b", "Ann")
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, "Somebody had this nickname a moment ago. Try again in half a minute.", string(rejected.Body))
	_, err = connect("a", "Ann")
	require.NoError(t, err, "who has just left may come back")
}

func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := s.open("Ann")
	for _, tt := range []struct {
		name, event string
		data        any
		status      int
		want        string
	}{
		{"empty text", "say", say("lobby", ""), 400, "payload is not valid: text: required"},
		{"text too long", "say", say("lobby", strings.Repeat("ä", 1001)), 400, "payload is not valid: text: max=1000"},
		{"no room", "say", m{"text": "x"}, 400, "payload is not valid: room: required"},
		{"room that she is not in", "say", say("go", "x"), 403, "You are not in this room."},
		{"unknown room", "join", m{"room": "cellar"}, 404, "There is no such room."},
		{"another's group", "join", m{"room": "../lobby"}, 404, "There is no such room."},
		{"leave an unknown room", "leave", m{"room": ""}, 404, "There is no such room."},
		{"not an object", "say", "x", 400, "JSON payload cannot be decoded"},
		{"null member", "say", m{"room": nil, "text": nil}, 400, "payload is not valid: room: required; text: required"},
		{"wrong type", "say", m{"room": "lobby", "text": 1}, 400, "JSON payload cannot be decoded"},
	} {
		answered := ann.raise(tt.event, tt.data)
		require.NotNil(t, answered, tt.name)
		assert.Equal(t, tt.status, answered.Error.Status, tt.name)
		assert.Equal(t, tt.want, answered.Error.Message, tt.name)
	}
	assert.Nil(t, ann.raise("say", say("lobby", strings.Repeat("ä", 1000))), "the connection is as good as before")
	assert.Nil(t, ann.raise("dance", m{}), "an event of a newer page")
}

// TestClientsOnlyRaiseEvents: clients cannot send to groups themselves.
func TestClientsOnlyRaiseEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := s.open("Ann")
	for i, request := range []m{
		{"type": "joinGroup", "group": "go", "ackId": 1},
		{"type": "leaveGroup", "group": "lobby", "ackId": 2},
		{"type": "sendToGroup", "group": "lobby", "ackId": 3, "dataType": "json", "data": m{"type": "said", "name": "Ben"}},
	} {
		data, err := json.Marshal(request)
		require.NoError(t, err)
		require.NoError(t, ann.conn.Write(t.Context(), websocket.MessageText, data))
		f := ann.frame()
		for f.Type == "message" {
			require.Equal(t, "joined", f.Data.Type, f.raw)
			f = ann.frame()
		}
		assert.Equal(t, uint64(i+1), f.AckID)
		assert.False(t, f.Success)
		assert.Equal(t, "Forbidden", f.Error.Name)
	}
}

func TestTextStaysText(t *testing.T) {
	t.Parallel()
	s := start(t)
	const text = `<script>alert("x")</script> & <img src=x onerror=alert(1)> ` + "\u202e\u0000\u2028"
	ann := s.open("<b>Ann</b>")
	ann.raise("say", say("lobby", text))
	said := ann.hearOf("said", ann.user)
	assert.Equal(t, text, said.Text)
	assert.Equal(t, "<b>Ann</b>", said.Name)
}

func TestHistoryHasALimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := s.open("Ann")
	for i := range 105 {
		ann.raise("say", say("lobby", fmt.Sprint(i)))
	}
	said := of("said", "lobby", s.open("Ben").raise("join", m{"room": "lobby"}).Notices)
	require.Len(t, said, 100)
	for i, n := range said {
		assert.Equal(t, fmt.Sprint(i+5), n.Text)
	}
}

// TestAnswerOfJoin fills a room with messages of maximum length.
func TestAnswerOfJoin(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := s.open("Ann")
	longest := strings.Repeat("\x01", 1000) // six bytes each in JSON
	for range 100 {
		require.Nil(t, ann.raise("say", say("lobby", longest)))
	}
	require.Nil(t, ann.raise("say", say("lobby", "the last")))
	room := s.open("Ben").raise("join", m{"room": "lobby"})
	assert.False(t, room.More)
	data, err := json.Marshal(room)
	require.NoError(t, err)
	assert.Less(t, len(data), 70_000)
	said := of("said", "lobby", room.Notices)
	require.Len(t, said, 11)
	assert.Equal(t, longest, said[9].Text)
	assert.Equal(t, "the last", said[10].Text)
	assert.Equal(t, "payload is not valid: text: max=1000", ann.raise("say", say("lobby", longest+".")).Error.Message)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	h := chat.NewMemory()
	for _, n := range []chat.Notice{{Room: "a", ID: "1"}, {Room: "b", ID: "1"}, {Room: "a", ID: "1"}, {Room: "a", ID: "2"}} {
		require.NoError(t, h.Add(t.Context(), n))
	}
	all, err := h.Last(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, []chat.Notice{{Room: "a", ID: "1"}, {Room: "a", ID: "2"}}, all, "an event that comes twice counts once")
	all[0].Text = "changed"
	again, err := h.Last(t.Context(), "a")
	require.NoError(t, err)
	assert.Empty(t, again[0].Text, "the result belongs to the caller")
	none, err := h.Last(t.Context(), "c")
	require.NoError(t, err)
	assert.Empty(t, none)
}

// TestCrowd: many people connect at once, each says something, and each receives all.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const crowd = 50
	s := start(t)
	pages := make([]*page, crowd)
	var connected, all sync.WaitGroup
	connected.Add(crowd)
	heard := make([]map[string]int, crowd)
	for i := range pages {
		heard[i] = make(map[string]int)
		all.Go(func() {
			entered := sync.OnceFunc(connected.Done)
			defer func() {
				entered()
				if t.Failed() {
					_ = s.stop() // or the others would wait for this one
				}
			}()
			p := s.open(fmt.Sprintf("guest %d", i))
			pages[i] = p
			entered()
			connected.Wait() // all are in the lobby before the first speaks
			p.send("say", say("lobby", "I am "+p.name))
			for len(heard[i]) < crowd {
				if n := p.frame().Data; n.Type == "said" {
					heard[i][n.User+" "+n.Text]++
				}
			}
		})
	}
	all.Wait()
	for i := range pages {
		require.Len(t, heard[i], crowd)
		for j, p := range pages {
			assert.Equal(t, 1, heard[i][p.user+" I am "+p.name], "what %d heard of %d", i, j)
		}
	}
	assert.Len(t, of("joined", "lobby", s.open("one more").raise("join", m{"room": "lobby"}).Notices), crowd+1)
}
