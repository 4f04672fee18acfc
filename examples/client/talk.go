package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

// Notice is a message from the chat.
type Notice struct {
	Type       string // said, joined, left, renamed or room
	Room       string
	Connection string // of the user
	User, Name string
	Text       string
	ID         string
	At         time.Time
	Notices    []Notice                 // history of a room
	Error      struct{ Message string } // refusal of an event; all other fields are empty then
}

// fields is the payload of an event.
type fields map[string]string

const (
	lobby = "lobby" // the room of each new connection
	help  = "/join <room>, /leave, /nick <name>, /quit; anything else is a message."
)

// talk is the user's part in the chat.
type talk struct {
	client  *client.Client
	login   *login
	out     *log.Logger
	stopped chan error
	greet   sync.Once

	mu     sync.Mutex
	room   string
	people fields   // names of others in the room, by connection
	shown  []string // ids of the last messages
}

// newTalk returns a talk whose client is not started.
func newTalk(d *login, room string, out io.Writer, opts client.Options) (*talk, error) {
	c, err := client.New(d.open, &opts)
	if err != nil {
		return nil, err
	}
	t := &talk{
		client: c, login: d, out: log.New(out, "", 0), stopped: make(chan error, 1),
		room: room, people: fields{},
	}
	c.OnNewConnection(t.enter)
	c.OnRecovering(func(context.Context, client.RecoveringEvent) {
		t.print("* Connection lost. Recovering ...")
	})
	c.OnRecovered(func(context.Context, client.RecoveredEvent) {
		t.print("* Connection recovered. No message was lost.")
	})
	c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		if ev.Err != nil { // not after Stop
			t.print("* Connection ended. Reconnecting ...")
		}
	})
	c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { t.stopped <- ev.Err })
	client.OnGroupJSON(c, "", func(_ context.Context, _ *client.GroupMessage, n Notice) { t.handle(n) })
	client.OnServerJSON(c, func(_ context.Context, _ *client.ServerMessage, n Notice) { t.handle(n) })
	return t, nil
}

// enter enters the room of the previous connection. Lines that were typed meanwhile are
// sent after it returns, and messages arrive after that.
func (t *talk) enter(ctx context.Context, _ client.ConnectedEvent) {
	t.greet.Do(func() { t.print("* %s", help) })
	room := t.here()
	if !t.move(ctx, lobby, room) && room != lobby {
		t.move(ctx, lobby, lobby)
	}
}

// move enters a room and leaves another one.
func (t *talk) move(ctx context.Context, before, room string) bool {
	answer, ok := t.ask(ctx, "join", fields{"room": room})
	if !ok {
		return false
	}
	t.mu.Lock()
	people := fields{}
	t.room = room
	for _, n := range answer.Notices {
		switch {
		case n.Type == "said":
			t.show(n)
		case n.Type == "joined" && n.Name != "" && n.Connection != t.client.ConnectionID():
			people[n.Connection] = n.Name
		}
	}
	t.people = people
	with := strings.Join(slices.Compact(slices.Sorted(maps.Values(people))), ", ")
	t.print("* You are in %s, with %s.", room, cmp.Or(with, "nobody else"))
	t.mu.Unlock()
	if before != room {
		t.ask(ctx, "leave", fields{"room": before})
	}
	return true
}

// handle prints a notice.
func (t *talk) handle(n Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.people[n.Connection]
	switch {
	case n.Type == "said":
		t.show(n)
	case n.Error.Message != "":
		t.print("! %s", n.Error.Message)
	case n.Type == "renamed" && n.User == t.client.UserID():
		t.login.name.Store(n.Name)
		t.print("* You are %s now.", n.Name)
	case n.Type == "renamed" && known != "":
		t.people[n.Connection] = n.Name
		t.print("* %s is %s now.", known, n.Name)
	case n.Type == "joined" && n.Room == t.room && known == "" && n.Connection != t.client.ConnectionID():
		t.people[n.Connection] = n.Name
		t.print("* %s has joined.", n.Name)
	case n.Type == "left" && n.Room == t.room && known != "":
		delete(t.people, n.Connection)
		t.print("* %s has left.", n.Name)
	}
}

// show prints a message once: it may arrive as a message and in the history of a
// room.
func (t *talk) show(n Notice) {
	if slices.Contains(t.shown, n.ID) {
		return
	}
	t.shown = append(t.shown[max(0, len(t.shown)-500):], n.ID)
	where := ""
	if n.Room != t.room { // while moving
		where = "[" + n.Room + "] "
	}
	if n.Connection != t.client.ConnectionID() { // the user's own messages are already on the terminal
		t.print("%s %s%s: %s", n.At.Local().Format("15:04"), where, n.Name, n.Text)
	}
}

// print is the only function that writes to the terminal.
func (t *talk) print(format string, args ...any) { t.out.Print(sanitize(fmt.Sprintf(format, args...))) }

// do executes a line of input.
func (t *talk) do(ctx context.Context, line string) {
	line = strings.TrimSpace(line)
	command, argument, _ := strings.Cut(line, " ")
	switch {
	case line == "":
	case command == "/join":
		t.move(ctx, t.here(), strings.TrimSpace(argument))
	case command == "/leave":
		t.move(ctx, t.here(), lobby)
	case command == "/nick":
		t.ask(ctx, "rename", fields{"nickname": argument})
	case strings.HasPrefix(command, "/"):
		t.print("! %s", help)
	default:
		t.say(ctx, line)
	}
}

// say sends an event and waits until it was handled. It is handled once, even if
// the connection is lost and recovered meanwhile. A refusal arrives as a message.
func (t *talk) say(ctx context.Context, text string) {
	_, err := t.client.SendEvent(ctx, "say", client.JSON(fields{"room": t.here(), "text": text}), nil)
	t.printError(ctx, err)
}

// here returns the room.
func (t *talk) here() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.room
}

// ask sends an event and waits for the answer.
func (t *talk) ask(ctx context.Context, event string, payload fields) (answer Notice, ok bool) {
	data, err := t.client.InvokeEvent(ctx, event, client.JSON(payload), nil)
	if err == nil && data.Type() != client.DataNone {
		err = data.Decode(&answer)
	}
	t.printError(ctx, err)
	t.handle(answer) // prints a refusal
	return answer, err == nil && answer.Error.Message == ""
}

func (t *talk) printError(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, client.ErrStopped) {
		t.print("! %v", err)
	}
}
