package main

import (
	"context"
	"iter"
	"strings"
	"time"
)

// Model returns the tokens of the answer to a question, as they are made. It stops when
// ctx ends, because nobody waits for the rest then. The client of a language model has a
// stream of tokens, which becomes an [iter.Seq2] in a loop:
//
//	return func(yield func(string, error) bool) {
//		for stream.Next() {
//			if !yield(stream.Current().Text, nil) {
//				return
//			}
//		}
//		if err := stream.Err(); err != nil {
//			yield("", err)
//		}
//	}
type Model func(ctx context.Context, question string) iter.Seq2[string, error]

// Parrot returns a fake model. It repeats the question, a word after each pause.
func Parrot(pause time.Duration) Model {
	return func(ctx context.Context, question string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			ticker := time.NewTicker(pause)
			defer ticker.Stop()
			for word := range strings.FieldsSeq("You ask: " + question + " I am only a parrot and do not know.") {
				select {
				case <-ticker.C:
				case <-ctx.Done():
					yield("", ctx.Err())
					return
				}
				if !yield(word+" ", nil) {
					return
				}
			}
		}
	}
}
