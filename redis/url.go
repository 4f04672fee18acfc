package redis

import (
	"errors"
	"net/url"
	"slices"

	"github.com/redis/rueidis"
)

// ParseURL returns the options of a client for a URL of one of the forms
//
//	redis://user:password@host:6379/0
//	rediss://user:password@host:6379?addr=host2:6379&addr=host3:6379
//	unix://user:password@/run/redis.sock?db=0
//
// The scheme rediss is for TLS. User, password, port and database may be omitted, and
// characters of a password that have a meaning in URLs must be escaped. A client finds out
// whether the server is part of a cluster; addr names more of its servers, for the case
// that the first is down. Further parameters are master_set, the name of a master behind
// Sentinel, and client_name. All other parameters are an error.
//
// Caching in the client is off: the stores do not use it, and it costs memory. Errors do
// not contain any part of the URL, which may be secret. The result contains the password.
func ParseURL(s string) (rueidis.ClientOption, error) {
	opt, err := parseURL(s)
	if err != nil {
		return rueidis.ClientOption{}, err
	}
	opt.DisableCache = true
	return opt, nil
}

func parseURL(s string) (opt rueidis.ClientOption, err error) {
	u, err := url.Parse(s)
	// The text of err contains the URL, and that of its cause the password. A fragment is the
	// end of a password with "#": what precedes it would be the host and port.
	if err != nil || u.Fragment != "" {
		return opt, errors.New("redis: parse URL: its form is invalid, want redis://user:password@host:port, and the password escaped (the URL is not shown, it may contain a password)")
	}
	if !slices.Contains([]string{"redis", "rediss", "valkey", "valkeys", "unix"}, u.Scheme) {
		return opt, errors.New("redis: parse URL: the scheme is unknown, want redis, rediss for TLS, or unix (the URL is not shown, it may contain a password)")
	}
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return opt, errors.New("redis: parse URL: its query is invalid (the URL is not shown, it may contain a password)")
	}
	for name := range parameters {
		if !slices.Contains([]string{"addr", "db", "master_set", "client_name"}, name) {
			return opt, errors.New("redis: parse URL: a parameter is unknown, want addr, db, master_set or client_name; set other options in the result (the URL is not shown, it may contain a password)")
		}
	}
	if opt, err = rueidis.ParseURL(s); err != nil {
		return opt, errors.New("redis: parse URL: the database is invalid, want a number (the URL is not shown, it may contain a password)")
	}
	return opt, nil
}
