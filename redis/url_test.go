package redis_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url       string
		addresses []string
		user      string
		password  string
		database  int
		tlsName   string
	}{
		{url: "redis://", addresses: []string{"localhost:6379"}},
		{url: "redis://:p%40ss@db.example.com/3", addresses: []string{"db.example.com:6379"}, password: "p@ss", database: 3},
		{url: "redis://u:p@[::1]:6380", addresses: []string{"[::1]:6380"}, user: "u", password: "p"},
		{url: "rediss://u:p@db.example.com:7000?addr=db2.example.com:7001", addresses: []string{"db.example.com:7000", "db2.example.com:7001"}, user: "u", password: "p", tlsName: "db.example.com"},
		{url: "valkeys://db.example.com", addresses: []string{"db.example.com:6379"}, tlsName: "db.example.com"},
		{url: "unix://u:p@/run/redis.sock?db=2", addresses: []string{"/run/redis.sock"}, user: "u", password: "p", database: 2},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			t.Parallel()
			opt, err := redis.ParseURL(tt.url)
			require.NoError(t, err)
			assert.Equal(t, tt.addresses, opt.InitAddress)
			assert.Equal(t, []any{tt.user, tt.password, tt.database}, []any{opt.Username, opt.Password, opt.SelectDB})
			assert.True(t, opt.DisableCache)
			if tt.tlsName == "" {
				assert.Nil(t, opt.TLSConfig)
				return
			}
			assert.Equal(t, tt.tlsName, opt.TLSConfig.ServerName)
			assert.False(t, opt.TLSConfig.InsecureSkipVerify)
		})
	}
}

// No error contains a part of the URL: where it is malformed, any part can be the password.
func TestParseURLKeepsSecrets(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://u:s3cr3t/x@host":              "form is invalid",
		"redis://u:s3cr3t%zz@host":             "form is invalid",
		"redis://u:s3cr3t@host:\x00":           "form is invalid",
		"redis://u:12#s3cr3t@host":             "form is invalid",
		"unix://u:p@/run/redis#s3cr3t":         "form is invalid",
		"s3cr3t":                               "scheme is unknown",
		"s3cr3t://host":                        "scheme is unknown",
		"http://u:s3cr3t@host":                 "scheme is unknown",
		"redis://u:p@host/s3cr3t":              "database is invalid",
		"redis://u:p@host/1/s3cr3t":            "database is invalid",
		"redis://host?db=s3cr3t":               "database is invalid",
		"redis://host?s3cr3t=1":                "parameter is unknown",
		"rediss://u:s3cr3t@host?skip_verify=1": "parameter is unknown",
		"redis://u:s3cr3t@host?addr=%zz":       "query is invalid",
	} {
		opt, err := redis.ParseURL(url)
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.Nil(t, opt.InitAddress)
	}
}
