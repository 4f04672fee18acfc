package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

// clientSession is a session of a Web PubSub subprotocol.
type clientSession struct {
	client *client.Client
	view   view
	seen   *seenGroups
	failed chan error
	// greeted is closed when the first connection has been shown.
	greeted chan struct{}
	// streams are those that the client sends.
	streams streams
	// subscribed are the groups whose states the client gets.
	subscribed seenGroups
}

// openClient returns a session that shows all that a client gets.
func openClient(protocol client.Protocol, credential client.Credential, v view, seen *seenGroups) (*clientSession, error) {
	s := &clientSession{view: v, seen: seen, failed: make(chan error, 1), greeted: make(chan struct{})}
	var err error
	s.client, err = client.New(credential, &client.Options{
		Protocol:  protocol,
		Reconnect: client.Backoff{Max: 10 * time.Second}, // somebody is watching
		OnError:   s.problem,
	})
	if err != nil {
		return nil, err
	}
	s.showMessages()
	s.showStates()
	s.showConnection()
	return s, nil
}

// showMessages shows messages and streams.
func (s *clientSession) showMessages() {
	s.client.OnServerMessage(func(_ context.Context, m *client.ServerMessage) {
		s.view.show(news{Type: newsMessage, From: fromServer, Metadata: m.Metadata}.with(m.Data))
	})
	s.client.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		s.seen.add(m.Group)
		s.view.show(news{Type: newsMessage, From: fromGroup, Group: m.Group, FromUserID: m.FromUserID, Metadata: m.Metadata}.with(m.Data))
	})
	s.client.OnGroupStream(func(_ context.Context, stream *client.StreamReader) {
		of := news{Type: newsPiece, From: fromGroup, Group: stream.Group(), FromUserID: stream.FromUserID(), StreamID: stream.ID()}
		ended := of
		ended.Type = newsStreamEnded
		for piece, err := range stream.Pieces() {
			if err != nil {
				ended.Reason = err.Error()
				break
			}
			s.view.show(of.with(piece))
		}
		s.view.show(ended)
	}, nil)
}

// showConnection shows how the connection is lost, recovered and replaced.
func (s *clientSession) showConnection() {
	next := newsConnected
	s.client.OnConnected(func(_ context.Context, ev client.ConnectedEvent) {
		s.view.show(news{Type: next, ConnectionID: ev.ConnectionID, UserID: ev.UserID})
		if next == newsConnected {
			close(s.greeted)
		}
		next = newsReconnected
	})
	s.client.OnRecovering(func(_ context.Context, ev client.RecoveringEvent) {
		s.view.show(news{Type: newsRecovering, ConnectionID: ev.ConnectionID, Reason: lossReason(ev.Err)})
	})
	s.client.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) {
		s.view.show(news{Type: newsRecovered, ConnectionID: ev.ConnectionID})
	})
	s.client.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		if ev.Err != nil { // not by stop
			s.view.show(news{Type: newsDisconnected, ConnectionID: ev.ConnectionID, Reason: reasonOf(ev)})
		}
	})
	s.client.OnRejoinFailed(func(_ context.Context, ev client.RejoinFailedEvent) {
		s.view.show(news{Type: newsProblem, Group: ev.Group, Reason: ev.Err.Error()})
	})
}

// problem shows an error that no command has caused. If the service refuses the client,
// for example because its token has expired, it ends the session and what commands wait
// for.
func (s *clientSession) problem(ctx context.Context, err error) {
	var refused *client.Error
	if errors.As(err, &refused) && isRefusal(refused.StatusCode) {
		select {
		case s.failed <- err:
		default: // it is ending already
		}
		_ = s.client.Stop(ctx) // it does not wait for this callback
		return
	}
	s.view.show(news{Type: newsProblem, Reason: err.Error()})
}

// reasonOf returns the reason that the service has given, or else the cause.
func reasonOf(ev client.DisconnectedEvent) string {
	for _, reason := range []string{ev.Message, ev.CloseReason} {
		if reason != "" {
			return reason
		}
	}
	return lossReason(ev.Err)
}

// start returns after the connection has been shown, so that the results of commands
// follow it.
func (s *clientSession) start(ctx context.Context) error {
	if err := s.client.Start(ctx); err != nil {
		return err
	}
	select {
	case <-s.greeted:
	case <-ctx.Done(): // serve ends
	}
	return nil
}

func (s *clientSession) ended() <-chan error { return s.failed }

func (s *clientSession) stop(ctx context.Context) {
	s.streams.endAll(ctx)
	_ = s.client.Stop(ctx) // the connection is cut if ctx ends
}

func (s *clientSession) commands() []typed {
	return slices.Concat([]typed{
		{name: "join", synopsis: "join GROUP", help: "join a group", first: wordGroup, run: s.join},
		{name: "leave", synopsis: "leave GROUP", help: "leave a group", first: wordGroup, run: s.leave},
		{
			name: "send", synopsis: "send [--json|--binary] [--no-echo] GROUP MESSAGE", help: "send a message to a group",
			options: []string{optionJSON, optionBinary, optionNoEcho}, first: wordGroup, payload: payloadRequired, run: s.send,
		},
		{
			name: "event", synopsis: "event [--json|--binary] NAME [MESSAGE]", help: "send an event to the event handler",
			options: []string{optionJSON, optionBinary}, first: wordEvent, payload: payloadOptional, run: s.event,
		},
		{
			name: "invoke", synopsis: "invoke [--json|--binary] NAME [MESSAGE]", help: "send an event and show its answer",
			options: []string{optionJSON, optionBinary}, first: wordEvent, payload: payloadOptional, aside: true, run: s.invoke,
		},
	}, s.streamCommands(), s.stateCommands())
}

func (s *clientSession) join(ctx context.Context, in *line) (news, error) {
	s.seen.add(in.word)
	_, err := s.client.JoinGroup(ctx, in.word, nil)
	return news{Group: in.word}, err
}

func (s *clientSession) leave(ctx context.Context, in *line) (news, error) {
	_, err := s.client.LeaveGroup(ctx, in.word, nil)
	if err == nil {
		s.subscribed.remove(in.word)
	}
	return news{Group: in.word}, err
}

func (s *clientSession) send(ctx context.Context, in *line) (news, error) {
	s.seen.add(in.word)
	_, err := s.client.SendToGroup(ctx, in.word, in.data, &client.SendOptions{NoEcho: in.has(optionNoEcho)})
	return news{Group: in.word}, err
}

func (s *clientSession) event(ctx context.Context, in *line) (news, error) {
	data := in.data
	if data.Type() == client.DataNone {
		data = client.Text("") // an event has a payload
	}
	_, err := s.client.SendEvent(ctx, in.word, data, nil)
	return news{Event: in.word}, err
}

func (s *clientSession) invoke(ctx context.Context, in *line) (news, error) {
	answer, err := s.client.InvokeEvent(ctx, in.word, in.data, nil)
	return news{Type: newsAnswer, Event: in.word}.with(answer), err
}

// reasonFor returns the text of a command's error without the names of package and
// operation, which the command has said.
func reasonFor(err error) string {
	var failed *client.Error
	if errors.As(err, &failed) {
		return strings.TrimPrefix(err.Error(), "client: "+failed.Operation+": ")
	}
	return err.Error()
}
