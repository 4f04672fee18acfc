package main

import (
	"context"
	"embed"
	"encoding/json"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
)

//go:embed scripts
var scripts embed.FS

// reservation is how long a nickname is reserved after its connection has arrived or has
// changed it, if the chat never learns that the connection has ended.
const reservation = 24 * time.Hour

// people are the nicknames, in Redis: a key for each of their looks, and a hash of the
// connections of each user. All keys have the same hash tag, so that a script can change
// all that belong to a nickname.
type people struct {
	client       rueidis.Client
	admit, leave *rueidis.Lua
}

func newPeople(client rueidis.Client) *people {
	return &people{client: client, admit: script("release", "admit"), leave: script("release", "leave")}
}

func script(names ...string) *rueidis.Lua {
	text := ""
	for _, name := range names {
		part, err := scripts.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err) // it is part of the program
		}
		text += string(part)
	}
	return rueidis.NewLuaScriptRetryable(text)
}

func keyOfUser(user string) string { return "chat:{people}:user:" + user }

func keysOfLooks(looks [2]string) []string {
	return []string{"chat:{people}:first look:" + looks[0], "chat:{people}:second look:" + looks[1]}
}

// guest is the value of a connection.
type guest struct {
	Name  string   `json:"name"`
	Looks []string `json:"looks"` // keys
}

// Admit implements [app.People].
func (p *people) Admit(ctx context.Context, g app.Guest, arrives bool) error {
	looks := keysOfLooks(g.Looks)
	value, err := json.Marshal(guest{g.Name, looks})
	if err != nil {
		return err
	}
	flag := "0"
	if arrives {
		flag = "1"
	}
	result, err := p.admit.Exec(ctx, p.client, append([]string{keyOfUser(g.User)}, looks...),
		[]string{g.User, g.Connection, string(value), flag, milliseconds(reservation), milliseconds(app.Absence)}).ToString()
	switch {
	case err != nil:
		return err
	case result == "here":
		return app.ErrHere
	case result == "absent":
		return app.ErrAbsent
	}
	return nil
}

// Leave implements [app.People].
func (p *people) Leave(ctx context.Context, who app.Person) error {
	return p.leave.Exec(ctx, p.client, []string{keyOfUser(who.User)}, []string{who.User, who.Connection, milliseconds(app.Absence)}).Error()
}

// Name implements [app.People].
func (p *people) Name(ctx context.Context, all []app.Person) error {
	commands := make(rueidis.Commands, len(all))
	for i, who := range all {
		commands[i] = p.client.B().Hget().Key(keyOfUser(who.User)).Field(who.Connection).Build()
	}
	for i, result := range p.client.DoMulti(ctx, commands...) {
		var g guest
		if err := result.DecodeJSON(&g); err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
		all[i].Name = g.Name
	}
	return nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
