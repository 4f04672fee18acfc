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
	// secretPart is the number of consecutive bytes of a secret that count as a
	// part of it. A close frame has no room for a whole token.
	secretPart = 16
	// leastSecret is the size of the shortest secret.
	leastSecret = 6
	// maxSecrets is the number of secrets kept. Each connection and recovery adds
	// some.
	maxSecrets = 64
	// maxExamined is the number of bytes of a text that are examined.
	maxExamined = 4 * maxErrorText
)

// Limits of the connected frame. The service's ids have 22 to 40 characters, its
// tokens about 300.
const (
	maxConnectionID      = 256
	maxUserID            = 4096
	maxReconnectionToken = 8192
)

// secrets are the texts that must not be shown: query parameters of client URLs,
// tokens, and the values of [Options.Header]. The service knows all of them, and
// may repeat them in its errors.
type secrets struct {
	mu    sync.Mutex
	known []secret // the latest comes last
}

type secret struct {
	text string
	kind secretKind
}

type secretKind uint8

const (
	token secretKind = iota
	mixed            // may contain names that are not secret: a header field, a reconnection token
	query            // contains names that are not secret; hidden as a whole
)

// learn adds a secret, unless it is shorter than [leastSecret].
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

// learnHandshake adds what a handshake sends.
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

// hide replaces the secrets in a text, and parts of them.
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

// hasToken reports whether a text contains a part of a token.
func (s *secrets) hasToken(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.known, func(one secret) bool {
		return one.kind == token && len(one.text) >= secretPart && hideOne(text, one.text) != text
	})
}

// hideOne replaces one secret.
func hideOne(text, secret string) string {
	least := min(secretPart, len(secret))
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
	out.WriteString(text[from:])
	return out.String()
}

// excerpt returns the part of a text from the service that an error or log may
// show. It cleans the text before hiding secrets, because removed characters could
// separate the parts of a secret.
func (s *secrets) excerpt(text string) string {
	return s.cut(excerpt.Line(text, maxExamined), len(text) > maxExamined)
}

// cut hides secrets in a text that may have been cut in the middle of one.
func (s *secrets) cut(text string, wasCut bool) string {
	if text = s.hide(text); wasCut {
		text = excerpt.Cut(text, max(0, len(text)-len("…")-secretPart))
	}
	return excerpt.Cut(text, maxErrorText)
}

// conceal replaces the service's error texts in a frame by excerpts.
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

// checkConnected rejects a connected frame whose ids must not be shown, and learns
// its token. Its errors quote nothing of the frame.
func (s *secrets) checkConnected(f *frame.Frame) error {
	switch {
	case len(f.ID) > maxConnectionID:
		return fmt.Errorf("connected message: connectionId has %d bytes, want at most %d", len(f.ID), maxConnectionID)
	case len(f.UserID) > maxUserID:
		return fmt.Errorf("connected message: userId has %d bytes, want at most %d", len(f.UserID), maxUserID)
	case len(f.Token) > maxReconnectionToken:
		return fmt.Errorf("connected message: reconnectionToken has %d bytes, want at most %d", len(f.Token), maxReconnectionToken)
	}
	s.learnToken(mixed, f.Token)
	switch whole := len(f.Token) >= secretPart; {
	case excerpt.Line(f.ID, maxConnectionID) != f.ID:
		return errors.New("connected message: connectionId has unprintable characters")
	case s.hasToken(f.ID), whole && strings.Contains(f.ID, f.Token):
		return errors.New("connected message: connectionId contains a token")
	case s.hasToken(f.UserID), whole && strings.Contains(f.UserID, f.Token):
		return errors.New("connected message: userId contains a token")
	}
	return nil
}

// closeError hides secrets in the reason of a close frame. Other errors of a
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

// handshakeError returns the error of a failed handshake, without the client URL.
func (s *secrets) handshakeError(resp *http.Response, err error, u *url.URL) error {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w: %s speaks ws, not wss: use ws:// in the client URL", s.redact(err), u.Host)
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
		e.Message = "" // it repeats the status
	}
	return e
}

// redact removes the client URL and long texts of the service from an error. A
// url.Error contains the URL in its text and its fields.
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
