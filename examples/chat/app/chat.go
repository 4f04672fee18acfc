package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// Hub is the name of the hub.
const Hub = "chat"

// Person is a user at one of their connections.
type Person struct {
	Connection string `json:"connection,omitempty"`
	User       string `json:"user,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Session is the state of a connection. The service stores it and sends it with every
// event.
type Session struct {
	Person
	Rooms []string `json:"rooms"`
}

var session webpubsub.State[Session]

// Notice is a message for the page.
type Notice struct {
	Type    string    `json:"type"` // said, joined, left, renamed or room
	Room    string    `json:"room,omitempty"`
	Person            // whom the notice is about
	Text    string    `json:"text,omitempty"`
	ID      string    `json:"id,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Notices []Notice  `json:"notices,omitempty"` // of the room so far
	More    bool      `json:"more,omitempty"`    // people are in the room
}

func (c *Chat) handler(connectionString string) (*webpubsub.Handler, error) {
	interceptors := []webpubsub.Interceptor{c.print}
	if c.Presence != nil {
		interceptors = append(interceptors, c.Presence.Intercept)
	}
	return webpubsub.NewHandler(webpubsub.Config{
		Hub:               Hub,
		ConnectionStrings: []string{connectionString},
		OnConnect:         c.connect,
		OnDisconnected:    c.disconnected,
		OnGroupJoined: func(ctx context.Context, ev *webpubsub.GroupJoinedEvent) error {
			return c.announce(ctx, "joined", ev, ev.Group)
		},
		OnGroupLeft: func(ctx context.Context, ev *webpubsub.GroupLeftEvent) error {
			return c.announce(ctx, "left", ev, ev.Group)
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": event(c.say), "join": event(c.join), "leave": event(c.leave), "rename": event(c.rename),
		},
		RefusalReply:  webpubsub.JSONRefusal, // so that the page learns why its event failed
		Interceptors:  interceptors,
		Deduplication: c.deduplication(),
	})
}

// claimLease lets the service's third delivery in, 4 seconds after the first, if the
// replica that handled the first one has died. A claim that is lost in a pause does little
// harm: a message that is added twice is in the history once.
const claimLease = 3 * time.Second

func (c *Chat) deduplication() (d webpubsub.Deduplication) {
	if c.Events != nil {
		d = webpubsub.Deduplication{Store: c.Events, Lease: claimLease}
	}
	return d
}

// connect accepts a client with a ticket as the person of the ticket. Clients have no
// roles: they can send events only, and this server alone sends to rooms. So nobody
// can speak as somebody else, or in a room they have not joined.
func (c *Chat) connect(ctx context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	p, err := c.open(ev.Query.Get("ticket"))
	if err != nil {
		return nil, err
	}
	p.Connection = ev.ConnectionID
	if err := c.admit(ctx, &p, true); err != nil {
		return nil, err
	}
	s := Session{p, c.rooms[:1]}
	return &webpubsub.ConnectReply{UserID: p.User, Groups: s.Rooms, Roles: []string{}, State: session.Set(s)}, nil
}

// disconnected announces the end of a connection in all its rooms. The service need
// not send left events for it, and the page ignores the second notice.
func (c *Chat) disconnected(ctx context.Context, ev *webpubsub.DisconnectedEvent) error {
	failed := c.People.Leave(ctx, Person{Connection: ev.ConnectionID, User: ev.UserID})
	s, err := session.Get(ev)
	err = errors.Join(failed, err)
	for _, room := range s.Rooms {
		err = errors.Join(err, c.announce(ctx, "left", ev, room))
	}
	return err
}

// announce sends a room the person who joined or left.
func (c *Chat) announce(ctx context.Context, what string, ev webpubsub.Event, room string) error {
	s, err := session.Get(ev)
	if err != nil {
		return err
	}
	return c.service.Group(room).SendJSON(ctx, Notice{Type: what, Room: room, Person: s.Person}, nil)
}

// event returns the function of a user event. It saves the session that f changes and
// answers with the notice that f returns.
func event[In any](f func(context.Context, *webpubsub.UserEvent, *Session, In) (*Notice, error)) webpubsub.UserEventFunc {
	return webpubsub.JSON(func(ctx context.Context, ev *webpubsub.UserEvent, in In) (reply webpubsub.Reply, err error) {
		s, err := session.Get(ev)
		if err != nil {
			return reply, err
		}
		notice, err := f(ctx, ev, &s, in)
		if err != nil {
			return reply, err
		}
		if notice != nil {
			reply = webpubsub.JSONReply(notice)
		}
		reply.State = session.Set(s)
		return reply, nil
	})
}

// Say is the payload of "say".
type Say struct {
	Room string `json:"room" validate:"required"`
	Text string `json:"text" validate:"required,max=1000"`
}

func (c *Chat) say(ctx context.Context, ev *webpubsub.UserEvent, s *Session, in Say) (*Notice, error) {
	if !slices.Contains(s.Rooms, in.Room) {
		return nil, webpubsub.Forbidden("You are not in this room.")
	}
	id := ev.ConnectionID + "/" + ev.ID // the same if the service repeats the event
	said := Notice{Type: "said", Room: in.Room, Person: s.Person, Text: in.Text, ID: id, At: time.Now()}
	if err := c.History.Add(ctx, said); err != nil {
		return nil, err
	}
	return nil, c.service.Group(in.Room).SendJSON(ctx, said, nil)
}

// Room is the payload of "join" and "leave". A room is a group of the hub.
type Room struct {
	Room string `json:"room"`
}

// listed is how many people of a room the page learns on joining: one page of a
// listing.
const listed = 200

// join answers with the last messages and the people of a room. The answer can be a
// thousand times as long as the request, so requests are limited.
func (c *Chat) join(ctx context.Context, ev *webpubsub.UserEvent, s *Session, in Room) (*Notice, error) {
	if !slices.Contains(c.rooms, in.Room) {
		return nil, webpubsub.NotFound("There is no such room.")
	}
	if !c.joins.allow(ev.ConnectionID) {
		return nil, webpubsub.TooManyRequests("You change rooms too often. Try again in a moment.")
	}
	if !slices.Contains(s.Rooms, in.Room) {
		s.Rooms = append(s.Rooms, in.Room)
	}
	if err := c.service.Group(in.Room).AddConnection(ctx, ev.ConnectionID); err != nil {
		return nil, err
	}
	all, err := c.History.Last(ctx, in.Room)
	if err != nil {
		return nil, err
	}
	here, err := c.here(ctx, in.Room)
	if err != nil {
		return nil, err
	}
	for _, p := range here {
		all = append(all, Notice{Type: "joined", Room: in.Room, Person: p})
	}
	return &Notice{Type: "room", Room: in.Room, Notices: all, More: len(here) == listed}, nil
}

// here returns the people of a room, or 200 of them.
func (c *Chat) here(ctx context.Context, room string) ([]Person, error) {
	var all []Person
	if c.Presence == nil {
		for m, err := range c.service.Group(room).Connections(ctx, &service.ListOptions{Top: listed}) {
			if err != nil {
				return nil, err
			}
			all = append(all, Person{Connection: m.ConnectionID, User: m.UserID})
		}
		return all, c.People.Name(ctx, all)
	}
	members, err := c.Presence.Members(ctx, room)
	if err != nil {
		return nil, err
	}
	for _, m := range members[:min(len(members), listed)] {
		all = append(all, Person{Connection: m.ConnectionID, User: m.UserID})
	}
	return all, c.People.Name(ctx, all)
}

func (c *Chat) leave(ctx context.Context, ev *webpubsub.UserEvent, s *Session, in Room) (*Notice, error) {
	if !slices.Contains(c.rooms, in.Room) {
		return nil, webpubsub.NotFound("There is no such room.")
	}
	s.Rooms = slices.DeleteFunc(s.Rooms, func(room string) bool { return room == in.Room })
	return nil, c.service.Group(in.Room).RemoveConnection(ctx, ev.ConnectionID)
}

// Rename is the payload of "rename".
type Rename struct {
	Nickname string `json:"nickname" validate:"required"`
}

func (c *Chat) rename(ctx context.Context, _ *webpubsub.UserEvent, s *Session, in Rename) (*Notice, error) {
	s.Name = in.Nickname
	if err := c.admit(ctx, &s.Person, false); err != nil {
		return nil, err
	}
	return nil, c.service.All().SendJSON(ctx, Notice{Type: "renamed", Person: s.Person}, nil)
}

// print writes a line for each event: its name, status, duration and connection.
func (c *Chat) print(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
	start := time.Now()
	err := next(ctx)
	took := time.Since(start).Seconds() * 1000
	c.log.Printf("%-12s %d %7.1f ms  %s", ev.EventMeta().EventName, webpubsub.StatusOf(err), took, ev.EventMeta().ConnectionID)
	return err
}
