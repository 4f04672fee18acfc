package main_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	replicas "github.com/go-webpubsub/webpubsub/examples/chat/replicas"
)

// nicknames are the People of a server in memory.
type nicknames struct {
	app.People
	t      *testing.T
	server *miniredis.Miniredis
}

func newNicknames(t *testing.T) *nicknames {
	t.Helper()
	server := miniredis.RunT(t)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &nicknames{replicas.NewPeople(client), t, server}
}

// guest is a person whose nickname looks as it is written.
func guest(connection, user, name string) app.Guest {
	return app.Guest{Person: app.Person{Connection: connection, User: user, Name: name}, Looks: [2]string{name, "small " + name}}
}

func (n *nicknames) arrive(g app.Guest) error { return n.Admit(n.t.Context(), g, true) }

func (n *nicknames) ask(user, name string) error {
	return n.Admit(n.t.Context(), guest("", user, name), false)
}

func (n *nicknames) leave(connection, user string) {
	n.t.Helper()
	require.NoError(n.t, n.Leave(n.t.Context(), app.Person{Connection: connection, User: user}))
}

func TestNicknames(t *testing.T) {
	t.Parallel()
	n := newNicknames(t)
	require.NoError(t, n.ask("ann", "Ann"))
	require.NoError(t, n.ask("eve", "Ann"), "who asks reserves nothing")
	require.NoError(t, n.arrive(guest("1", "ann", "Ann")))
	require.NoError(t, n.arrive(guest("1", "ann", "Ann")), "again")
	require.ErrorIs(t, n.ask("eve", "Ann"), app.ErrHere)
	require.ErrorIs(t, n.arrive(guest("2", "eve", "Ann")), app.ErrHere)
	similar := guest("2", "eve", "Anna")
	similar.Looks[1] = "small Ann"
	require.ErrorIs(t, n.arrive(similar), app.ErrHere, "one look is enough")
	require.NoError(t, n.arrive(guest("3", "ann", "Ann")), "a second tab")

	require.NoError(t, n.Admit(t.Context(), guest("1", "ann", "Anna"), false), "another name in one tab")
	require.ErrorIs(t, n.ask("eve", "Ann"), app.ErrHere, "the other tab has it")
	require.NoError(t, n.Admit(t.Context(), guest("3", "ann", "Anna"), false))
	require.NoError(t, n.ask("eve", "Ann"), "now it is free")
	require.ErrorIs(t, n.ask("eve", "Anna"), app.ErrHere)
}

func TestNicknameIsReservedForAWhile(t *testing.T) {
	t.Parallel()
	n := newNicknames(t)
	require.NoError(t, n.arrive(guest("1", "ann", "Ann")))
	require.NoError(t, n.arrive(guest("2", "ann", "Ann")))
	n.leave("1", "ann")
	require.ErrorIs(t, n.ask("eve", "Ann"), app.ErrHere)
	n.leave("2", "ann")
	n.leave("2", "ann")
	n.leave("never was", "nobody")
	require.ErrorIs(t, n.ask("eve", "Ann"), app.ErrAbsent)
	require.NoError(t, n.ask("ann", "Ann"), "she may come back")
	n.server.FastForward(app.Absence - time.Millisecond)
	require.ErrorIs(t, n.arrive(guest("3", "eve", "Ann")), app.ErrAbsent)
	n.server.FastForward(time.Millisecond)
	require.NoError(t, n.arrive(guest("3", "eve", "Ann")))
	require.ErrorIs(t, n.arrive(guest("4", "ann", "Ann")), app.ErrHere)
}

func TestNicknameOfALostConnection(t *testing.T) {
	t.Parallel()
	n := newNicknames(t)
	require.NoError(t, n.arrive(guest("1", "ann", "Ann")))
	n.server.FastForward(24*time.Hour + time.Millisecond)
	require.NoError(t, n.ask("eve", "Ann"))
	assert.Empty(t, n.server.Keys())
}

func TestNames(t *testing.T) {
	t.Parallel()
	n := newNicknames(t)
	require.NoError(t, n.arrive(guest("1", "ann", "Ann")))
	require.NoError(t, n.arrive(guest("2", "ben", "Ben")))
	all := []app.Person{{Connection: "1", User: "ann"}, {Connection: "2", User: "ben"}, {Connection: "1", User: "ben"}}
	require.NoError(t, n.Name(t.Context(), all))
	assert.Equal(t, []app.Person{
		{Connection: "1", User: "ann", Name: "Ann"}, {Connection: "2", User: "ben", Name: "Ben"}, {Connection: "1", User: "ben"},
	}, all)
	require.NoError(t, n.Name(t.Context(), nil))
}

func TestNicknamesWithoutRedis(t *testing.T) {
	t.Parallel()
	n := newNicknames(t)
	n.server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := n.Admit(ctx, guest("1", "ann", "Ann"), true)
	require.Error(t, err)
	assert.NotErrorIs(t, err, app.ErrHere)
	require.Error(t, n.Leave(ctx, app.Person{Connection: "1", User: "ann"}))
	require.Error(t, n.Name(ctx, []app.Person{{Connection: "1", User: "ann"}}))
}
