//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/service"
)

// serviceJobs are those of a peer that uses package service.
func serviceJobs(connection string) (map[string]job, error) {
	c, err := service.NewClientFromConnectionString(connection, hub, nil)
	if err != nil {
		return nil, err
	}
	group, text := c.Group(sinkGroup), strings.Repeat("x", postSize)
	return posts(func(ctx context.Context) error { return group.SendText(ctx, text, nil) }), nil
}

// handJobs are those of a peer on net/http and golang-jwt, without retries, checks or
// errors but the status.
func handJobs(connection string) (map[string]job, error) {
	var endpoint, key string
	for part := range strings.SplitSeq(connection, ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "Endpoint":
			endpoint = value
		case "AccessKey":
			key = value
		}
	}
	target, text := endpoint+"/api/hubs/"+hub+"/groups/"+sinkGroup+"/:send?api-version=2024-12-01", strings.Repeat("x", postSize)
	return posts(func(ctx context.Context) error { return post(ctx, target, key, text) }), nil
}

func post(ctx context.Context, target, key, text string) error {
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": target, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status is %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func posts(send func(context.Context) error) map[string]job {
	return map[string]job{"post": func(ctx context.Context, numbers []int) (err error) {
		for n := 0; err == nil && n < numbers[0]; n++ {
			err = send(ctx)
		}
		return err
	}}
}
