package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/service"
)

var tokenLong = `Makes a token with which a client can connect to a hub, and prints its URL. The token is
a secret. With a connection string it is made here; with Entra ID, by the service.

A client has no rights in groups without a role: webpubsub.sendToGroup,
webpubsub.joinLeaveGroup, alone for any group or with .GROUP for one.

` + strings.TrimSuffix(targetHelp, " Access keys and tokens are never printed.") + `

--output json prints {"url": "…", "baseUrl": "…", "token": "…", "expires": "…"}.

--decode prints what is in a token, or in a URL with one, without verifying it: - reads it
from standard input, @FILE from a file. With --output json:
{"verified": false, "header": {…}, "claims": {…}, "expires": "…", "expired": false}.`

// tokenFlags holds the values of the flags.
type tokenFlags struct {
	target
	output
	user            string
	roles, rawRoles []string
	groups          []string
	lifetime        time.Duration
	protocol        string
	query           pairsFlag
	urlOnly         bool
	decode          string
}

func tokenCommand() *cobra.Command {
	var in tokenFlags
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a client's URL and token, or look into one",
		Long:  tokenLong,
		Example: `  # a client that may send to the group lobby
  webpubsub token --hub chat --user ann --lifetime 30m \
    --role webpubsub.sendToGroup.lobby

  # what is in it
  webpubsub token --hub chat --user ann --url-only | webpubsub token --decode -`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := alone(cmd, "decode", "hub", "user", "role", "raw-role", "group", "lifetime", "protocol", "query", "url-only"); err != nil {
				return err
			}
			if in.decode != "" || cmd.Flags().Changed("decode") {
				return in.look(cmd)
			}
			return in.make(cmd)
		},
	}
	f := cmd.Flags()
	in.target.addTo(f)
	f.StringVar(&in.user, "user", "", "`id` of the user; empty for none")
	f.StringArrayVar(&in.roles, "role", nil, "`role` of the client; can be repeated")
	f.StringArrayVar(&in.rawRoles, "raw-role", nil, "`role` for your event handler, which the service does not know; can be repeated")
	f.StringArrayVar(&in.groups, "group", nil, "`group` that the client is in from the start; can be repeated")
	f.DurationVar(&in.lifetime, "lifetime", service.DefaultLifetime, "`time` for which the token can be used to connect")
	f.StringVar(&in.protocol, "protocol", service.ProtocolDefault.String(), "`protocol` of the client: default, mqtt or socketio")
	f.Var(&in.query, "query", "`name=value` in the URL's query, for the connect event; can be repeated")
	f.BoolVar(&in.urlOnly, "url-only", false, "print the URL and nothing else")
	f.StringVar(&in.decode, "decode", "", "`token` to look into, without verifying it")
	in.output.addTo(cmd)
	return cmd
}

// clientProtocols lists the protocols by name.
func clientProtocols() map[string]service.ClientProtocol {
	out := make(map[string]service.ClientProtocol)
	for p := service.ProtocolDefault; p <= service.ProtocolSocketIO; p++ {
		out[p.String()] = p
	}
	return out
}

// options checks the flags, so that errors name them.
func (in *tokenFlags) options() (*service.ClientAccessOptions, error) {
	out := &service.ClientAccessOptions{UserID: in.user, Roles: in.roles, RawRoles: in.rawRoles, Groups: in.groups, Lifetime: in.lifetime, Query: url.Values(in.query.values)}
	if err := checkAccess(out, "; for a role of your own use --raw-role"); err != nil {
		return nil, err
	}
	if in.lifetime <= 0 {
		return nil, usage("--lifetime %v: want more than 0, such as 1h or 30m", in.lifetime)
	}
	var known bool
	if out.Protocol, known = clientProtocols()[in.protocol]; !known {
		return nil, usage("--protocol %s: %s", excerpt.Name(in.protocol), similar.Hint(in.protocol, slices.Sorted(maps.Keys(clientProtocols()))))
	}
	return out, nil
}

// checkAccess checks what a client's token allows, so that errors name the flags. The hint is
// added to the error for a role.
func checkAccess(opts *service.ClientAccessOptions, hint string) error {
	if err := rule.CheckUser(opts.UserID); err != nil {
		return usage("--user: %w", err)
	}
	for _, role := range opts.Roles {
		if _, err := rule.ParseRole(role); err != nil {
			return usage("--role: %w%s", err, hint)
		}
	}
	for _, role := range opts.RawRoles {
		if rule.CheckRawRoles([]string{role}) != nil {
			return usage("--raw-role %s: want a role that is not blank, in UTF-8", excerpt.Name(role))
		}
	}
	for _, group := range opts.Groups {
		if err := rule.CheckGroup(group); err != nil {
			return usage("--group: %w", err)
		}
	}
	return nil
}

// make makes a token.
func (in *tokenFlags) make(cmd *cobra.Command) error {
	opts, err := in.options()
	if err != nil {
		return err
	}
	client, err := in.client(cmd, nil)
	if err != nil {
		return err
	}
	access, err := client.ClientAccess(cmd.Context(), opts)
	if refused := (*service.Error)(nil); errors.Is(err, service.ErrInvalid) && errors.As(err, &refused) {
		return usage("--query: %s", strings.TrimPrefix(refused.Err.Error(), "Query ")) // all else has been checked
	}
	if err != nil {
		return err
	}
	if in.urlOnly {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), access.URL())
		return err
	}
	result := struct {
		URL     string `json:"url"`
		BaseURL string `json:"baseUrl"`
		Token   string `json:"token"`
		Expires string `json:"expires,omitempty"`
	}{URL: access.URL(), BaseURL: access.BaseURL(), Token: access.Token()}
	expires := "unknown"
	if t, err := decodeToken(access.Token()); err == nil && t.Expires != nil {
		result.Expires = t.Expires.Format(time.RFC3339)
		expires = t.expiry(time.Now())
	}
	return in.print(cmd.OutOrStdout(), result, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "url      %s\ntoken    %s\nexpires  %s\n", result.URL, result.Token, expires)
		return err
	})
}

// look prints what is in a token.
func (in *tokenFlags) look(cmd *cobra.Command) error {
	text, err := readArgument(cmd, in.decode, maxToken)
	if err != nil {
		return usage("--decode: %w", err)
	}
	t, err := decodeToken(tokenIn(string(text)))
	if err != nil {
		return usage("--decode: %w", err)
	}
	now := time.Now()
	t.Expired = t.Expires != nil && t.Expires.Before(now)
	return in.print(cmd.OutOrStdout(), t, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "not verified: anyone can write such a token\nalgorithm  %s\nexpires    %s\n%s\n",
			printable(excerpt.Short(fmt.Sprint(t.Header["alg"]))), t.expiry(now), printableLines(indented(t.Claims)))
		return err
	})
}

// tokenIn returns the token in a text: in the query of a URL, in a header, or alone.
func tokenIn(text string) string {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Query().Get("access_token") != "" {
		return u.Query().Get("access_token")
	}
	if scheme, token, ok := strings.Cut(text, " "); ok && strings.EqualFold(strings.TrimSuffix(scheme, ":"), "bearer") {
		return strings.TrimSpace(token)
	}
	return text
}
