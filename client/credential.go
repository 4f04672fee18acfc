package client

import (
	"context"
	"errors"
	"net/url"
)

// Query parameters of the client URL.
const (
	paramAccessToken       = "access_token"
	paramConnectionID      = "awps_connection_id"
	paramReconnectionToken = "awps_reconnection_token"
)

// Credential returns the client URL with its token, such as
// wss://name.webpubsub.azure.com/client/hubs/chat?access_token=…. The client calls
// it for each new connection, but not for recoveries, from one goroutine at a time.
// Its context ends with [Client.Start] or with the client. It must not wait for the
// client, which is waiting for it. After an error the client asks again, unless it is
// one of [Permanent].
type Credential func(ctx context.Context) (string, error)

// Permanent returns an error by which a [Credential] ends the client, for example when
// the application's server has refused the user. The client does not ask again, and
// stops: [StoppedEvent.Err] wraps err, as does the error of [Client.Start]. The text is
// that of err. Permanent returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// isPermanent reports whether an error ends the client.
func isPermanent(err error) bool {
	var permanent permanentError
	return errors.As(err, &permanent)
}

// StaticURL returns a credential that always returns the same URL. The service
// checks the token at each new connection: a client whose token is valid for an
// hour cannot reconnect after that.
func StaticURL(address string) Credential {
	return func(context.Context) (string, error) { return address, nil }
}

// parseAddress checks a client URL. Its errors do not quote it.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, errors.New("client URL is empty")
	case err != nil:
		return nil, errors.New("client URL is invalid")
	case u.Scheme != "ws" && u.Scheme != "wss" && u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("client URL: want ws, wss, http or https")
	case u.Host == "":
		return nil, errors.New("client URL has no host")
	case u.User != nil:
		return nil, errors.New("client URL has user information")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// recoveryURL returns the URL at which the service recovers a connection.
func recoveryURL(u *url.URL, connectionID, token string) *url.URL {
	out := *u
	q := url.Values{paramConnectionID: {connectionID}, paramReconnectionToken: {token}}.Encode()
	if out.RawQuery != "" {
		q = out.RawQuery + "&" + q
	}
	out.RawQuery = q
	return &out
}
