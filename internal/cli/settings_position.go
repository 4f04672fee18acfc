package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// checkHubs returns the emulator's first error for the settings in data, with the
// position of the hub or event handler.
func checkHubs(data []byte, hubs map[string]emulator.Hub) error {
	if try(hubs) == nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(hubs))
	upTo := func(n int) error {
		some := make(map[string]emulator.Hub, n+1)
		for _, name := range names[:n+1] {
			some[name] = hubs[name]
		}
		return try(some)
	}
	first := sort.Search(len(names)-1, func(n int) bool { return upTo(n) != nil })
	name, handlers := names[first], hubs[names[first]].EventHandlers
	valid := sort.Search(len(handlers), func(n int) bool {
		return try(map[string]emulator.Hub{name: {EventHandlers: handlers[:n+1]}}) != nil
	})
	if valid == len(handlers) || try(map[string]emulator.Hub{name: {}}) != nil {
		valid = -1 // the name is wrong
	}
	return locate(data, name, valid, upTo(first))
}

// try returns the emulator's error for the settings of hubs.
func try(hubs map[string]emulator.Hub) error {
	emu, err := emulator.New(emulator.Config{Hubs: hubs})
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "emulator: "))
	}
	emu.Close()
	return nil
}

// locate adds to an error the position of a hub or, unless handler is negative, of one
// of its event handlers. A value behind an alias has no position.
func locate(data []byte, hub string, handler int, err error) error {
	file, invalid := parser.ParseBytes(data, 0)
	if invalid != nil || len(file.Docs) == 0 {
		return err
	}
	_, hubs := member(file.Docs[0].Body, "hubs")
	at, settings := member(hubs, hub)
	if handler >= 0 {
		_, handlers := member(settings, "eventHandlers")
		at = element(handlers, handler)
	}
	if at == nil {
		return err
	}
	return fmt.Errorf("line %d, column %d: %w", at.Position.Line, at.Position.Column, err)
}

// member returns the key and the value of a member of a mapping, or nil.
func member(node ast.Node, name string) (key *token.Token, value ast.Node) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil, nil
	}
	for members := mapping.MapRange(); members.Next(); {
		if key = members.Key().GetToken(); key.Value == name {
			return key, members.Value()
		}
	}
	return nil, nil
}

// element returns the beginning of an element of a list, or nil.
func element(node ast.Node, i int) *token.Token {
	list, ok := node.(*ast.SequenceNode)
	if !ok || i >= len(list.Values) {
		return nil
	}
	if mapping, ok := list.Values[i].(ast.MapNode); ok {
		if members := mapping.MapRange(); members.Next() {
			return members.Key().GetToken()
		}
	}
	return list.Values[i].GetToken()
}
