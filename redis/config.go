package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Config is what all stores have in common.
type Config struct {
	// Client is the connection to Redis. It is required. The stores do not close it.
	Client rueidis.Client
	// Prefix begins all keys. Applications that share a Redis must have different ones.
	// It has up to 64 letters, digits, and characters of "._-:". Empty means
	// [DefaultPrefix].
	Prefix string
	// Timeout limits each call in addition to the deadline of its context: all that it sends
	// to the server, and its repetitions after network errors. Repair and After have it for
	// each part. Zero means [DefaultTimeout].
	Timeout time.Duration
}

// Defaults of [Config].
const (
	DefaultPrefix  = "webpubsub"
	DefaultTimeout = 2 * time.Second
)

const maxPrefix = 64

// compile returns a copy with all defaults filled in.
func (c Config) compile() (Config, error) {
	if c.Client == nil {
		return c, errors.New("Client is nil, want the result of rueidis.NewClient")
	}
	switch {
	case c.Prefix == "":
		c.Prefix = DefaultPrefix
	case len(c.Prefix) > maxPrefix:
		return c, fmt.Errorf("Prefix has %d bytes, want at most %d", len(c.Prefix), maxPrefix)
	case strings.ContainsFunc(c.Prefix, notInPrefix):
		return c, fmt.Errorf(`Prefix is %q, want letters, digits, and characters of "._-:" only`, c.Prefix)
	}
	switch {
	case c.Timeout == 0:
		c.Timeout = DefaultTimeout
	case c.Timeout < 0:
		return c, fmt.Errorf("Timeout is %v, want 0 or more", c.Timeout)
	}
	return c, nil
}

// notInPrefix leaves out braces, which would move all keys of a cluster to one server.
func notInPrefix(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:", r)
}

// run runs a script that can be repeated without harm: the client repeats it after network
// errors and while the server loads its data, until the time is over.
func (c Config) run(ctx context.Context, script *rueidis.Lua, keys, args []string) rueidis.RedisResult {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	return script.Exec(ctx, c.Client, keys, args)
}

// do sends a command that can be repeated without harm, like run.
func (c Config) do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	return c.Client.Do(ctx, command.ToRetryable())
}

// doAll sends commands about one key, and those without a key, in order and at once.
func (c Config) doAll(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	for i := range commands {
		commands[i] = commands[i].ToRetryable()
	}
	return c.Client.DoMulti(ctx, commands...)
}

// limit applies the Timeout, unless the deadline of ctx is earlier. So a call that sends
// several commands applies it once for all of them.
func (c Config) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= c.Timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.Timeout)
}

// milliseconds formats the lifetime of a key, which is at least a millisecond in Redis.
func milliseconds(d time.Duration) string {
	n := d.Milliseconds()
	if d%time.Millisecond > 0 {
		n++
	}
	return strconv.FormatInt(max(1, n), 10)
}
