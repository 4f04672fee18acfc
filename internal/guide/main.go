//go:build unix

// Command guide follows docs/getting-started.md to the letter, in an empty temporary
// folder: it writes the files, types the commands and compares what they print.
//
//	go run ./internal/guide docs/getting-started.md
//
// It adds three things. The module comes from this checkout, by go mod edit -replace
// after go mod init. The ports 3000 and 8080 are replaced by free ones, in the commands,
// their output and the environment. And lines about downloads do not count as output.
//
// In the page, a line such as `main.go`: names the file of the Go blocks after it. A
// block "sh" is a command, and "text" its whole output, in which … is any text. A block
// "sh terminal 2" goes on in another terminal, and "text terminal 2" waits for lines
// there.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// patience is how long all steps may take, with downloads and a cold build cache.
const patience = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := errors.New("usage: guide page.md")
	if len(os.Args) == 2 {
		err = run(ctx, os.Args[1])
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guide:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := os.ReadFile(name) //nolint:gosec // a page of this repository
	if err != nil {
		return err
	}
	page, env, err := freePorts(ctx, string(text))
	if err != nil {
		return err
	}
	steps, err := parse(page)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r := reader{env: append(os.Environ(), env...), written: map[string]string{}, terminals: map[string]*window{}}
	r.env = append(r.env, "GOFLAGS=", "GOWORK=off")
	if r.checkout, err = os.Getwd(); err != nil {
		return err
	}
	r.env = append(r.env, "CHECKOUT="+r.checkout)
	if r.dir, err = os.MkdirTemp("", "guide"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir) //nolint:errcheck // a temporary folder
	defer r.close()
	for _, s := range steps {
		if err := r.follow(ctx, s); err != nil {
			return fmt.Errorf("%s:%d: %w", name, s.line, err)
		}
	}
	_, _ = fmt.Fprintf(os.Stdout, "%s: followed, %d steps\n", name, len(steps))
	return nil
}

var port = regexp.MustCompile(`(localhost|127\.0\.0\.1|\[::1\]):(3000|8080)\b`)

// freePorts replaces the ports of a page, and returns variables that do the same to the
// programs' defaults.
func freePorts(ctx context.Context, page string) (replaced string, env []string, err error) {
	free := map[string]string{}
	for _, p := range []string{"3000", "8080"} {
		if free[p], err = freePort(ctx); err != nil {
			return "", nil, err
		}
	}
	replaced = port.ReplaceAllStringFunc(page, func(s string) string {
		i := strings.LastIndexByte(s, ':')
		return s[:i+1] + free[s[i+1:]]
	})
	return replaced, []string{"PORT=" + free["3000"], "WEBPUBSUB_EMULATOR_ADDR=localhost:" + free["8080"]}, nil
}

// freePort returns an unused port. It is below those that systems assign, so that no
// other program takes it meanwhile.
func freePort(ctx context.Context) (free string, err error) {
	for range 100 {
		free = strconv.Itoa(20_000 + rand.IntN(10_000)) //nolint:gosec // not a secret
		var ln net.Listener
		if ln, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+free); err == nil {
			return free, ln.Close()
		}
	}
	return "", err
}

// reader follows a page.
type reader struct {
	checkout, dir string
	env           []string
	written       map[string]string
	printed       string // by the last command
	terminals     map[string]*window
}

func (r *reader) follow(ctx context.Context, s step) error {
	switch {
	case s.kind == code:
		return r.write(s)
	case s.kind == command && s.terminal == "":
		return r.command(ctx, s.text)
	case s.kind == command:
		w, err := open(r.bash(ctx, s.text))
		if err != nil {
			return err
		}
		r.terminals[s.terminal] = w
		_, _ = fmt.Fprintf(os.Stdout, "%s> %s", s.terminal, s.text)
		return nil
	case s.terminal == "":
		return compare(s.text, r.printed)
	}
	w := r.terminals[s.terminal]
	if w == nil {
		return fmt.Errorf("no terminal %s", s.terminal)
	}
	return w.expect(ctx, s.text)
}

// write writes the part of a file.
func (r *reader) write(s step) error {
	text := s.text
	if before := r.written[s.file]; before != "" {
		text = before + "\n" + text
	}
	r.written[s.file] = text
	return os.WriteFile(filepath.Join(r.dir, s.file), []byte(text), 0o600)
}

// command runs a command and keeps its output. A new go.mod gets the checkout.
func (r *reader) command(ctx context.Context, text string) error {
	_, _ = fmt.Fprint(os.Stdout, "$ ", text)
	out, err := r.bash(ctx, text).CombinedOutput()
	r.printed = downloads.ReplaceAllString(string(out), "")
	_, _ = fmt.Fprint(os.Stdout, r.printed)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(text, "go mod init ") {
		return nil
	}
	return r.bash(ctx, `go mod edit -replace "github.com/go-webpubsub/webpubsub=$CHECKOUT"`).Run()
}

var downloads = regexp.MustCompile(`(?m)^go: (downloading|finding|found|creating) .*\n`)

func (r *reader) bash(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text) //nolint:gosec // a page of this repository
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.WaitDelay = time.Second // for children that keep the output open
	return cmd
}

// close closes the terminals.
func (r *reader) close() {
	for _, w := range r.terminals {
		w.close()
	}
}

// compare compares a whole output with the page's.
func compare(want, got string) error {
	wanted, lines := strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(got), "\n")
	same := len(wanted) == len(lines)
	for i := range wanted {
		same = same && matches(wanted[i], lines[i])
	}
	if !same {
		return fmt.Errorf("the page shows\n%sbut the command printed\n%s", want, got)
	}
	return nil
}
