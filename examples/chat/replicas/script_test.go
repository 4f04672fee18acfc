package main_test

import (
	"bufio"
	"io"
	"net"
	"net/url"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestScript: whatever ends the script ends all that it has started.
//
//nolint:paralleltest,tparallel // events of TestProve would wait for its builds
func TestScript(t *testing.T) {
	for name, end := range map[string]func(pid int) error{
		"killed":              func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"the terminal closes": func(pid int) error { return syscall.Kill(-pid, syscall.SIGHUP) },
		"Ctrl+C":              func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, stdout := io.Pipe()
			script := exec.CommandContext(t.Context(), "../replicas.sh", "-replicas", "1")
			script.Stdout, script.WaitDelay = stdout, time.Minute
			script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, script.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			m := regexp.MustCompile(`^Chat at (\S+) on 1 replicas`).FindStringSubmatch(lines.Text())
			require.NotNil(t, m, lines.Text())
			chat, err := url.Parse(m[1])
			require.NoError(t, err)
			go func() { _, _ = io.Copy(io.Discard, out) }()

			require.NoError(t, end(script.Process.Pid))
			require.NotErrorIs(t, script.Wait(), exec.ErrWaitDelay, "no replica has the output any more")
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", chat.Host)
			if err == nil {
				_ = conn.Close()
			}
			assert.ErrorIs(t, err, syscall.ECONNREFUSED, "nginx has ended, the last but one")
		})
	}
}
