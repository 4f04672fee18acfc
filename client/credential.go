package client

import (
	"context"
	"errors"
	"net/url"
)

// Parameters of the address.
const (
	paramAccessToken       = "access_token"
	paramConnectionID      = "awps_connection_id"
	paramReconnectionToken = "awps_reconnection_token"
)

// Credential gives the address at which to connect, with its token, such as
// wss://name.webpubsub.azure.com/client/hubs/chat?access_token=…. It is asked
// for each new connection, and not when one is recovered, by one goroutine at a
// time. Its context ends with [Client.Start], or with the client. It must not wait
// for the client, which waits for it.
type Credential func(ctx context.Context) (string, error)

// StaticURL is a credential that always gives the same address. Its token is
// checked at each new connection, so that a client with a token of an hour
// cannot reconnect after that.
func StaticURL(address string) Credential {
	return func(context.Context) (string, error) { return address, nil }
}

// parseAddress checks what a credential gave. Its errors do not quote it.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, errors.New("client URL is empty")
	case err != nil:
		return nil, errors.New("client URL cannot be parsed")
	case u.Scheme != "ws" && u.Scheme != "wss" && u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("client URL: want ws, wss, http or https")
	case u.Host == "":
		return nil, errors.New("client URL has no host")
	case u.User != nil:
		return nil, errors.New("client URL has a user")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// recoveryURL is the address at which a connection is taken up again.
func recoveryURL(u *url.URL, connectionID, token string) *url.URL {
	out := *u
	q := url.Values{paramConnectionID: {connectionID}, paramReconnectionToken: {token}}.Encode()
	if out.RawQuery != "" {
		q = out.RawQuery + "&" + q
	}
	out.RawQuery = q
	return &out
}
