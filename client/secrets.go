package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	redacted = "REDACTED"
	// secretPart is how many bytes of a secret, in a row, are taken for a part of it.
	// A close frame has no room for a whole token.
	secretPart = 16
	// leastSecret is how many bytes the shortest secret has.
	leastSecret = 6
	// maxSecrets is how many secrets are known at a time. Each new connection and
	// each recovery bring some.
	maxSecrets = 64
	// maxExamined is how many bytes of a text are looked at.
	maxExamined = 4 * maxErrorText
)

// Limits of what a service says when it greets a client. Its own ids have 22 to 40
// characters, its tokens some 300.
const (
	maxConnectionID      = 256
	maxUserID            = 4096
	maxReconnectionToken = 8192
)

// secrets are what must not be shown: the parameters of addresses, tokens, and the
// values of [Options.Header]. A service knows them all, and one that is hostile, or
// only talkative, can put them into whatever it says.
type secrets struct {
	mu    sync.Mutex
	known []secret // the one learnt last comes last
}

type secret struct {
	text string
	kind secretKind
}

type secretKind uint8

const (
	token secretKind = iota
	mixed            // may hold names that are no secret: a header field, a token for recovery
	query            // holds names that are no secret, and is concealed as a whole
)

// learn adds a secret. What is shorter than [leastSecret] is none.
func (s *secrets) learn(kind secretKind, text string) {
	if len(text) < leastSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	added := secret{text, kind}
	if i := slices.Index(s.known, added); i >= 0 {
		s.known = slices.Delete(s.known, i, i+1)
	}
	if s.known = append(s.known, added); len(s.known) > maxSecrets {
		s.known = slices.Delete(s.known, 0, 1)
	}
}

func (s *secrets) learnToken(kind secretKind, text string) {
	s.learn(kind, text)
	s.learn(kind, url.QueryEscape(text))
}

// learnHandshake learns what is sent with a handshake.
func (s *secrets) learnHandshake(u *url.URL, h http.Header) {
	s.learn(query, u.RawQuery)
	for name, values := range u.Query() {
		kind := token
		if name == paramReconnectionToken {
			kind = mixed
		} else if !strings.EqualFold(name, paramAccessToken) {
			continue
		}
		for _, v := range values {
			s.learnToken(kind, v)
		}
	}
	for name, values := range h {
		kind := mixed
		if name == "Authorization" || name == "Cookie" {
			kind = token
		}
		for _, v := range values {
			if len(v) >= secretPart {
				s.learn(kind, v)
			}
		}
	}
}

// hide returns a text with the secrets in it, and parts of them, concealed.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range slices.Backward(s.known) {
		if one.kind == query {
			text = strings.ReplaceAll(text, one.text, redacted)
		}
	}
	for _, one := range slices.Backward(s.known) {
		if one.kind != query {
			text = hideOne(text, one.text)
		}
	}
	return text
}

// hasToken reports whether a part of a token is in a text.
func (s *secrets) hasToken(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.known, func(one secret) bool {
		return one.kind == token && len(one.text) >= secretPart && hideOne(text, one.text) != text
	})
}

// hideOne conceals one secret.
func hideOne(text, secret string) string {
	least := min(secretPart, len(secret))
	if len(text) < least {
		return text
	}
	var out strings.Builder
	from := 0
	for i := 0; i+least <= len(text); {
		if !strings.Contains(secret, text[i:i+least]) {
			i++
			continue
		}
		end := i + least
		for end < len(text) && strings.Contains(secret, text[i:end+1]) {
			end++
		}
		out.WriteString(text[from:i])
		out.WriteString(redacted)
		i, from = end, end
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

// excerpt returns as much of a text of the service as an error or a log may show.
// It is cleaned first: what is taken out could stand between the parts of a secret.
func (s *secrets) excerpt(text string) string {
	return s.cut(excerpt.Line(text, maxExamined), len(text) > maxExamined)
}

// cut conceals what is in a text, which may itself be cut in the middle of a secret.
func (s *secrets) cut(text string, wasCut bool) string {
	if text = s.hide(text); wasCut {
		text = excerpt.Cut(text, max(0, len(text)-len("…")-secretPart))
	}
	return excerpt.Cut(text, maxErrorText)
}

// conceal makes excerpts of all that the service says in its own words.
func (s *secrets) conceal(f *frame.Frame) {
	failures := [...]*frame.Failure{f.Failure, nil}
	if f.Stream != nil {
		failures[1] = f.Stream.Failure
	}
	for _, failure := range failures {
		if failure != nil {
			failure.Name, failure.Message, failure.UserErrorCode = s.excerpt(failure.Name), s.excerpt(failure.Message), s.excerpt(failure.UserErrorCode)
		}
	}
	if f.Message != "" {
		f.Message = s.excerpt(f.Message)
	}
}

// checkGreeting refuses a greeting whose names could not be shown, and learns its
// token. Its errors quote nothing of it.
func (s *secrets) checkGreeting(f *frame.Frame) error {
	switch {
	case len(f.ID) > maxConnectionID:
		return fmt.Errorf("service's greeting: connectionId has %d bytes, want at most %d", len(f.ID), maxConnectionID)
	case len(f.UserID) > maxUserID:
		return fmt.Errorf("service's greeting: userId has %d bytes, want at most %d", len(f.UserID), maxUserID)
	case len(f.Token) > maxReconnectionToken:
		return fmt.Errorf("service's greeting: reconnectionToken has %d bytes, want at most %d", len(f.Token), maxReconnectionToken)
	}
	s.learnToken(mixed, f.Token)
	switch whole := len(f.Token) >= secretPart; {
	case excerpt.Line(f.ID, maxConnectionID) != f.ID:
		return errors.New("service's greeting: connectionId has characters that cannot be printed")
	case s.hasToken(f.ID), whole && strings.Contains(f.ID, f.Token):
		return errors.New("service's greeting: connectionId has a token in it")
	case s.hasToken(f.UserID), whole && strings.Contains(f.UserID, f.Token):
		return errors.New("service's greeting: userId has a token in it")
	}
	return nil
}

// closeError conceals what is in the reason of a close frame. Other errors of a
// WebSocket do not quote the service.
func (s *secrets) closeError(err error) error {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return err
	}
	if closed.Reason = s.excerpt(closed.Reason); strings.Contains(err.Error(), closed.Error()) {
		return err
	}
	return fmt.Errorf("received close frame: %w", closed)
}

// handshakeError makes an error of a handshake that failed, without the address.
func (s *secrets) handshakeError(resp *http.Response, err error, u *url.URL) error {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w: %s speaks ws, not wss: write ws:// in the address", s.redact(err), u.Host)
	}
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return s.redact(err)
	}
	e := &Error{StatusCode: resp.StatusCode, Hint: hintOfHandshake(resp.StatusCode, u)}
	if resp.Body != nil {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxExamined+1))
		e.Message = s.excerpt(strings.TrimSpace(string(text)))
	}
	if strings.EqualFold(e.Message, http.StatusText(e.StatusCode)) {
		e.Message = "" // the status says it
	}
	return e
}

// redact returns an error without what shows the address, and without long texts of
// the service, such as its header fields. A url.Error has the address in its text
// and its fields.
func (s *secrets) redact(err error) error {
	var shows *url.Error
	for errors.As(err, &shows) {
		err = shows.Err
	}
	text := err.Error()
	if clean := s.cut(excerpt.Cut(text, maxExamined), len(text) > maxExamined); clean != text {
		return errors.New(clean)
	}
	return err
}
