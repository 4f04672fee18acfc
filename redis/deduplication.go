package redis

import (
	"context"
	_ "embed" // the scripts
	"fmt"
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

func (s *DeduplicationStore) keys(key string) []string {
	return []string{s.config.Prefix + ":event:" + key}
}

// Begin implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	m, err := s.config.run(ctx, s.begin, s.keys(key), []string{claim, milliseconds(lease)}).ToMessage()
	if err != nil {
		return 0, nil, fmt.Errorf("redis: claim event: %w", err)
	}
	if m.IsString() {
		answer, err := m.AsBytes()
		return webpubsub.ClaimDone, answer, err
	}
	state, err := m.AsInt64()
	if err != nil {
		return 0, nil, fmt.Errorf("redis: claim event: %w", err)
	}
	return webpubsub.ClaimState(state), nil, nil //nolint:gosec // the script returns 1 to 3
}

// Finish implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	args := []string{claim, rueidis.BinaryString(answer), milliseconds(ttl)}
	return settled("store answer", s.config.run(ctx, s.finish, s.keys(key), args))
}

// Abandon implements [webpubsub.DeduplicationStore].
func (s *DeduplicationStore) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	return settled("release event", s.config.run(ctx, s.abandon, s.keys(key), []string{claim, milliseconds(ttl)}))
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
