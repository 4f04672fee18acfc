package mqtt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestVersionString(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "3.1.1", mqtt.Version311.String())
	assert.Equal(t, "5.0", mqtt.Version5.String())
	assert.Equal(t, "Version(3)", mqtt.Version(3).String())
}

func TestConnectJSON(t *testing.T) {
	t.Parallel()
	name, clean := "ann", true
	tests := []struct {
		name string
		in   string
		want mqtt.Connect
	}{
		{"everything", `{"protocolVersion":4,"username":"ann","password":"AP8=","userProperties":[{"name":"a","value":"1"}],"cleanStart":true}`, mqtt.Connect{
			ProtocolVersion: mqtt.Version311, Username: &name, Password: mqtt.Password{0, 255},
			UserProperties: []mqtt.UserProperty{{Name: "a", Value: "1"}}, CleanStart: &clean,
		}},
		{"nulls", `{"protocolVersion":5,"username":null,"password":null,"userProperties":null}`, mqtt.Connect{ProtocolVersion: mqtt.Version5}},
		{"empty password", `{"password":""}`, mqtt.Connect{Password: mqtt.Password{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got mqtt.Connect
			require.NoError(t, json.Unmarshal([]byte(tt.in), &got))
			assert.Equal(t, tt.want, got)
		})
	}
	var packet mqtt.Connect
	require.EqualError(t, json.Unmarshal([]byte(`{"password":"s3cr3t!"}`), &packet), "mqtt: password is not base64")
	var mistyped *json.UnmarshalTypeError
	require.ErrorAs(t, json.Unmarshal([]byte(`{"password":[1,2]}`), &packet), &mistyped)
}

func TestPasswordIsRedacted(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	password := mqtt.Password(secret)
	connect := &mqtt.Connect{Password: password}
	hidden := []string{secret, "115", "733363723374", "73 33", "0x73", "czNjcjN0", "U+0073"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%t", "%10s"} {
		for _, v := range []any{password, &password, []mqtt.Password{password}, map[string]mqtt.Password{"p": password}, connect, *connect} {
			text := fmt.Sprintf(verb, v)
			for _, h := range hidden {
				assert.NotContainsf(t, text, h, "%s of %T", verb, v)
			}
		}
	}
	assert.Equal(t, "REDACTED", password.String())
	assert.Equal(t, "REDACTED", password.GoString())

	for _, v := range []any{password, connect, *connect, map[string]any{"p": password}} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assert.Contains(t, string(text), "REDACTED")
		for _, h := range hidden {
			assert.NotContains(t, string(text), h)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			var out bytes.Buffer
			slog.New(handler(&out)).Info("x", "v", v)
			assert.NotContains(t, out.String(), secret)
			assert.NotContains(t, out.String(), "czNjcjN0")
		}
	}
	text, err := json.Marshal(password)
	require.NoError(t, err)
	require.Error(t, json.Unmarshal(text, new(mqtt.Password)), "a redacted password is not a password")
}
