// Command goservice runs package service for the JavaScript tests in this directory.
// Each line of standard input is a call in JSON; each line of standard output is its
// result, in the same order.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-webpubsub/webpubsub/service"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "goservice:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("goservice", flag.ContinueOnError)
	flags.SetOutput(stderr)
	connectionString := flags.String("connection-string", "", "of the emulator")
	hub := flags.String("hub", "", "name of the hub")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := service.NewClientFromConnectionString(*connectionString, *hub, nil)
	if err != nil {
		return err
	}
	lines, answers := bufio.NewScanner(stdin), json.NewEncoder(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var in call
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		result, err := in.do(ctx, client)
		cancel()
		if err := answers.Encode(answer{result, failureOf(err)}); err != nil {
			return err
		}
	}
	return lines.Err()
}

type answer struct {
	Result any      `json:"result"`
	Error  *failure `json:"error,omitempty"`
}

// failure is what an error has in both clients.
type failure struct {
	StatusCode int    `json:"statusCode"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message"`
}

func failureOf(err error) *failure {
	var failed *service.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.StatusCode != 0:
		return &failure{failed.StatusCode, failed.Code, failed.Message}
	}
	return &failure{Message: err.Error()}
}
