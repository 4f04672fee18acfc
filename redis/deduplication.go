package redis

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub"
)

//go:embed scripts/begin.lua
var beginScript string

//go:embed scripts/finish.lua
var finishScript string

//go:embed scripts/abandon.lua
var abandonScript string

// DeduplicationStore is a [webpubsub.DeduplicationStore] in Redis. It is safe for
// concurrent use, and so are many of them on one Redis.
//
// An event is one key, PREFIX:event:KEY, which expires. In a cluster, the events are
// distributed over all servers.
type DeduplicationStore struct {
	config                 Config
	begin, finish, abandon *rueidis.Lua
}

var _ webpubsub.DeduplicationStore = (*DeduplicationStore)(nil)

// The value of an event begins with a letter.
const (
	claimed   = 'c' // and the claim
	finished  = 'f' // and the length of the claim as a byte, the claim and the answer
	abandoned = 'a' // alone
)

// NewDeduplicationStore returns a store, or an error that names the invalid field. It does
// not connect.
func NewDeduplicationStore(cfg Config) (*DeduplicationStore, error) {
	cfg, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("redis: deduplication store: %w", err)
	}
	return &DeduplicationStore{
		config:  cfg,
		begin:   rueidis.NewLuaScriptRetryable(beginScript),
		finish:  rueidis.NewLuaScriptRetryable(finishScript),
		abandon: rueidis.NewLuaScriptRetryable(abandonScript),
	}, nil
}

func (s *DeduplicationStore) key(key string) string { return s.config.Prefix + ":event:" + key }

// Begin implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	state, answer, err := s.claim(ctx, key, claim, lease)
	if err != nil {
		return 0, nil, fmt.Errorf("redis: claim event: %w", err)
	}
	return state, answer, nil
}

// claim claims an event by one command if its key has no value or that of another claim,
// and otherwise by a script. The script is also for servers before version 7, which refuse
// the command, and for servers without memory, which refuse it for finished events, too.
func (s *DeduplicationStore) claim(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	ctx, cancel := s.config.limit(ctx)
	defer cancel()
	own, expires := string(claimed)+claim, milliseconds(lease)
	client := s.config.Client
	result := s.config.do(ctx, client.B().Arbitrary("SET").Keys(s.key(key)).Args(own, "NX", "GET", "PX", expires).Build())
	_, refused := rueidis.IsRedisErr(result.Error())
	switch value, err := result.ToString(); {
	case rueidis.IsRedisNil(err):
		return webpubsub.ClaimGranted, nil, nil
	case err != nil && !refused:
		return 0, nil, err
	case err == nil && value != own && value != string(abandoned):
		return held(value)
	}
	m, err := s.config.run(ctx, s.begin, []string{s.key(key)}, []string{claim, expires}).ToMessage()
	if err != nil {
		return 0, nil, err
	}
	if m.IsString() {
		value, err := m.ToString()
		if err != nil {
			return 0, nil, err
		}
		return held(value)
	}
	state, err := m.AsInt64()
	return webpubsub.ClaimState(state), nil, err //nolint:gosec // the script returns 1 or 2
}

// held returns the state of an event that has a value.
func held(value string) (webpubsub.ClaimState, []byte, error) {
	switch {
	case value != "" && value[0] == claimed:
		return webpubsub.ClaimRunning, nil, nil
	case len(value) > 1 && value[0] == finished && len(value) >= 2+int(value[1]):
		return webpubsub.ClaimDone, []byte(value[2+int(value[1]):]), nil
	}
	return 0, nil, errors.New("the value of the key is of another application: choose another prefix")
}

// Finish implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	if len(claim) > math.MaxUint8 {
		return fmt.Errorf("redis: store answer: the claim has %d bytes, want at most %d", len(claim), math.MaxUint8)
	}
	var value strings.Builder
	value.Grow(2 + len(claim) + len(answer))
	value.WriteByte(finished)
	value.WriteByte(byte(len(claim))) //nolint:gosec // it is at most 255
	value.WriteString(claim)
	value.Write(answer)
	args := []string{string(claimed) + claim, value.String(), milliseconds(ttl)}
	return settled("store answer", s.config.run(ctx, s.finish, []string{s.key(key)}, args))
}

// Abandon implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	args := []string{string(claimed) + claim, milliseconds(ttl)}
	return settled("release event", s.config.run(ctx, s.abandon, []string{s.key(key)}, args))
}

// settled returns the error of a call that ends a claim.
func settled(verb string, result rueidis.RedisResult) error {
	held, err := result.AsBool()
	switch {
	case err != nil:
		return fmt.Errorf("redis: %s: %w", verb, err)
	case !held:
		return webpubsub.ErrClaimLost
	}
	return nil
}
