package stack

import (
	"context"
	_ "embed" // the configuration
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed nginx.conf
var nginxConf string

func (s *Stack) startNginx(ctx context.Context, port int, replicas []int) error {
	var servers strings.Builder
	for _, replica := range replicas {
		fmt.Fprintf(&servers, "server 127.0.0.1:%d max_fails=1 fail_timeout=1s;\n", replica)
	}
	text := strings.NewReplacer("PORT", strconv.Itoa(port), "SERVERS", servers.String(), "DIR", s.dir).Replace(nginxConf)
	if os.Getuid() == 0 { // else its worker could not write to the directory
		text = "user root;\n" + text
	}
	file := filepath.Join(s.dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	s.nginx = &process{
		name: "nginx",
		args: []string{"-c", file, "-p", s.dir, "-e", "stderr"},
		dial: []string{"tcp", "127.0.0.1:" + strconv.Itoa(port)},
	}
	return s.nginx.start(ctx)
}
