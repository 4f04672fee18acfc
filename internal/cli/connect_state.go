package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// groupState is the state of a connection in a group, as a part of news.
type groupState struct {
	ConnectionID string            `json:"connectionId,omitempty"`
	UserID       string            `json:"userId,omitempty"`
	State        map[string]string `json:"state"`
}

func (s *clientSession) stateCommands() []typed {
	return []typed{
		{
			name: "state-set", synopsis: "state-set [--json] GROUP [NAME=VALUE...]", help: "set your state in a group",
			options: []string{optionJSON}, first: wordGroup, payload: payloadOptional, run: s.setState,
		},
		{name: "state-clear", synopsis: "state-clear GROUP", help: "clear your state in a group", first: wordGroup, run: s.clearState},
		{name: "state-get", synopsis: "state-get GROUP", help: "show your state in a group", first: wordGroup, run: s.ownState},
		{name: "state-subscribe", synopsis: "state-subscribe GROUP", help: "show its states, now and as they change", first: wordGroup, run: s.subscribeStates},
		{name: "state-unsubscribe", synopsis: "state-unsubscribe GROUP", help: "show them no longer", first: wordGroup, run: s.unsubscribeStates},
		{name: "state-list", synopsis: "state-list GROUP", help: "show its states, after state-subscribe", first: wordGroup, run: s.listStates},
	}
}

// showStates shows states that have changed.
func (s *clientSession) showStates() {
	s.client.OnGroupState(func(_ context.Context, ev client.GroupStateEvent) {
		for _, state := range ev.Changed {
			n := news{Type: newsState, Group: ev.Group, ConnectionID: state.ConnectionID, UserID: state.UserID, State: state.State}
			if state.State == nil {
				n.Type = newsStateCleared
			}
			s.view.show(n)
		}
	})
}

func (s *clientSession) setState(ctx context.Context, in *line) (news, error) {
	s.seen.add(in.word)
	state, err := entries(in)
	if err != nil {
		return news{Group: in.word}, err
	}
	_, err = s.client.SetGroupState(ctx, in.word, state, nil)
	return news{Group: in.word}, err
}

// entries returns the state of a line: NAME=VALUE, where either may be in double quotes as
// a whole, or a JSON object.
func entries(in *line) (map[string]string, error) {
	state := make(map[string]string)
	if in.has(optionJSON) {
		if json.Unmarshal(in.data.Bytes(), &state) != nil || state == nil {
			return nil, errors.New(`want a JSON object of texts, such as {"typing": "yes"}`)
		}
		return state, nil
	}
	rest := string(in.data.Bytes())
	for rest != "" {
		var word string
		var err error
		if word, rest, err = cutName(rest); err != nil {
			return nil, err
		}
		name, value, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%s: want NAME=VALUE, in double quotes if it has a space", excerpt.Name(word))
		}
		state[name] = value
	}
	return state, nil
}

func (s *clientSession) clearState(ctx context.Context, in *line) (news, error) {
	_, err := s.client.ClearGroupState(ctx, in.word, nil)
	return news{Group: in.word}, err
}

func (s *clientSession) ownState(_ context.Context, in *line) (news, error) {
	n := news{Type: newsStates, Group: in.word, States: []groupState{}}
	if state, ok := s.client.OwnGroupState(in.word); ok {
		n.States = append(n.States, groupState{State: state})
	}
	return n, nil
}

func (s *clientSession) subscribeStates(ctx context.Context, in *line) (news, error) {
	s.seen.add(in.word)
	_, err := s.client.SubscribeGroupState(ctx, in.word, nil)
	if err == nil {
		s.subscribed.add(in.word)
	}
	return news{Group: in.word}, err
}

func (s *clientSession) unsubscribeStates(ctx context.Context, in *line) (news, error) {
	_, err := s.client.UnsubscribeGroupState(ctx, in.word, nil)
	if err == nil {
		s.subscribed.remove(in.word)
	}
	return news{Group: in.word}, err
}

func (s *clientSession) listStates(_ context.Context, in *line) (news, error) {
	n := news{Type: newsStates, Group: in.word, States: []groupState{}}
	if !s.subscribed.has(in.word) {
		return n, errors.New("the states of this group are not known, want state-subscribe before it")
	}
	for _, state := range s.client.GroupStates(in.word) {
		n.States = append(n.States, groupState{state.ConnectionID, state.UserID, state.State})
	}
	return n, nil
}
