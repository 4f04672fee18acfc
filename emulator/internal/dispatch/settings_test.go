package dispatch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
)

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	const at = `hub "chat", event handler 0: `
	for _, tc := range []struct {
		name    string
		handler dispatch.Handler
		want    string
	}{
		{"S123 parameter in the host", dispatch.Handler{URLTemplate: "http://{hub}.com"}, `url template "http://{hub}.com": parameters are not allowed in the host`},
		{"system event", dispatch.Handler{URLTemplate: "http://h", SystemEvents: []string{"joined"}}, `system event "joined" is none of connect, connected, disconnected`},
		{"group event", dispatch.Handler{URLTemplate: "http://h", GroupEvents: []string{"connect"}}, `group event "connect" is none of joined, left`},
		{"pattern", dispatch.Handler{URLTemplate: "http://h", UserEventPattern: `a,b\`}, `user event pattern "b\\": pattern has a backslash before a character other than \, * or ?`},
		{"filter", dispatch.Handler{URLTemplate: "http://h", GroupFilters: []string{""}}, `group filter "": pattern is empty or not UTF-8`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, dispatch.New(dispatch.Config{}).SetHub("chat", []dispatch.Handler{tc.handler}), at+tc.want)
		})
	}
}
